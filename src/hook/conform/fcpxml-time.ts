import { add, multiply, rational, toNumber, type Rational } from '../../core/rational.ts';
import { readAttribute, type XmlElement } from './xml-tree.ts';

/** Reads a time of FCPXML: a fraction of seconds (`1001/30000s`), whole ones (`5s`), or as some programs write it (`2.5s`). Null for any other. */
export function parseTime(text: string | undefined): Rational | null {
  const match = /^\s*(-?\d+)(?:\.(\d{1,9}))?(?:\/(\d+))?s?\s*$/.exec(text ?? '');
  if (match === null) return null;
  const [, whole = '0', decimals = '', divisor = '1'] = match;
  if (/^0+$/.test(divisor)) return null;
  return rational(BigInt(whole + decimals), BigInt(divisor) * 10n ** BigInt(decimals.length));
}

export function formatTime({ num, den }: Rational): string {
  return den === 1 ? `${String(num)}s` : `${String(num)}/${String(den)}s`;
}

/** An attribute that is a time, in seconds; null where it is not there. */
export function readSeconds(element: XmlElement, name: string): number | null {
  const time = parseTime(readAttribute(element, name));
  return time === null ? null : toNumber(time);
}

/** `from + frames * frameDuration`, exactly. */
export function advanceTime(from: Rational, frames: number, frameRate: Rational): Rational {
  return add(from, multiply(rational(frames), { num: frameRate.den, den: frameRate.num }));
}

/** A stretch of a clock, in seconds; both ends may be infinite. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** The smallest span that holds all of `spans`. */
export function hullOf(spans: readonly TimeSpan[]): TimeSpan {
  return {
    from: Math.min(...spans.map(({ from }) => from)),
    to: Math.max(...spans.map(({ to }) => to)),
  };
}

/**
 * What a span of a clip's own clock shows of what the clip holds. A `timeMap` says it by points (`time` of the clip, `value` of what it holds).
 * How ramps between more than two points are eased is not written down: they stand for all that the points hold, as do two points of one time
 * and a span outside of the points. `conform-rate` plays a source frame by frame at the rate of the sequence; programs differ in whether the
 * clip's start is told before or after that, so that there may be two answers.
 */
export function mapSpan(clip: XmlElement, span: TimeSpan, sequenceRate: number | null): TimeSpan[] {
  const timeMap = clip.children.find(({ name }) => name === 'timeMap');
  const points = (timeMap?.children ?? []).flatMap((point) => {
    const [time, value] = [readSeconds(point, 'time'), readSeconds(point, 'value')];
    return time === null || value === null ? [] : [{ time, value }];
  });
  if (points.length > 0) return [followPoints(points, span)];
  const conform = clip.children.find(({ name }) => name === 'conform-rate');
  const sourceRate = nominalRate(readAttribute(conform ?? clip, 'srcFrameRate'));
  if (conform === undefined || readAttribute(conform, 'scaleEnabled') === '0') return [span];
  if (sourceRate === null || sequenceRate === null) return [span];
  const speed = sequenceRate / sourceRate;
  if (Math.abs(speed - 1) < 1e-4) return [span];
  const { from, to } = span;
  return [
    { from, to: from + (to - from) * speed },
    { from: from * speed, to: to * speed },
  ];
}

function followPoints(
  points: readonly { readonly time: number; readonly value: number }[],
  { from, to }: TimeSpan,
): TimeSpan {
  const sorted = [...points].sort((a, b) => a.time - b.time);
  const values = (list: readonly { readonly value: number }[]): TimeSpan =>
    hullOf(list.map(({ value }) => ({ from: value, to: value })));
  const [first, last] = [sorted[0], sorted.at(-1)];
  const outside = first === undefined || last === undefined || to <= first.time || from >= last.time;
  if (outside || sorted.length !== 2 || first.time === last.time) return values(points);
  const at = (time: number): number =>
    first.value + ((time - first.time) / (last.time - first.time)) * (last.value - first.value);
  const ends = [at(Math.max(from, first.time)), at(Math.min(to, last.time))];
  return { from: Math.min(...ends), to: Math.max(...ends) };
}

/** `23.98` is 24000/1001. */
function nominalRate(text: string | undefined): number | null {
  const rate = Number(text);
  if (!(rate > 0)) return null;
  const whole = Math.round(rate);
  return Math.abs(rate - whole) < 0.005 ? whole : (whole * 1000) / 1001;
}

/** Whether a span touches another; one without length lies in it. */
export function overlaps(a: TimeSpan, b: TimeSpan): boolean {
  return a.from < b.to && (a.to > b.from || (a.from === a.to && a.from >= b.from));
}
