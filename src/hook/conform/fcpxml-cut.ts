import { add, compare, divide, multiply, subtract, type Rational } from '../../core/rational.ts';
import type { EditList } from './edit-list.ts';
import { ITEMS, readAssetStart } from './fcpxml-clips.ts';
import { advanceTime, formatTime, parseTime } from './fcpxml-time.ts';
import type { Piece } from './timeline.ts';
import { editAttribute, escapeXml, readAttribute, walkXml, type XmlElement } from './xml-tree.ts';

/**
 * Whether a clip can be cut to a part of what it shows without changing anything else: it is not retimed, nothing but sound hangs on it, it
 * has no fades, and no transition touches it.
 */
export function canCut(clip: XmlElement): boolean {
  const holds = ({ name }: XmlElement): boolean =>
    /^(conform-rate|timeMap)$/.test(name) || (ITEMS.test(name) && name !== 'audio');
  if (clip.children.some(holds)) return false;
  // A fade belongs to the clip's true end.
  if ([...walkXml(clip)].some(({ name }) => /^fade(In|Out)$/.test(name))) return false;
  const beside = (clip.parent?.children ?? []).filter(({ name }) => ITEMS.test(name));
  const at = beside.indexOf(clip);
  return beside[at - 1]?.name !== 'transition' && beside[at + 1]?.name !== 'transition';
}

/** A clip's place on its own clock, and the part of it that its new asset holds. */
interface Cut {
  readonly start: Rational;
  readonly end: Rational;
  readonly newStart: Rational;
  readonly newEnd: Rational;
}

function measureCut(clip: XmlElement, asset: XmlElement, piece: Piece): Cut {
  const [from, to] = findClock(asset, piece);
  const start = parseTime(readAttribute(clip, 'start')) ?? readAssetStart(asset);
  const { frames, frameRate } = piece.source;
  const length =
    parseTime(readAttribute(clip, 'duration')) ?? advanceTime({ num: 0, den: 1 }, frames, frameRate);
  const end = add(start, length);
  const cut = canCut(clip);
  return {
    start,
    end,
    newStart: cut && compare(start, from) < 0 ? from : start,
    newEnd: cut && compare(end, to) > 0 ? to : end,
  };
}

/** Where a piece begins and ends on its asset's clock. */
function findClock(asset: XmlElement, { first, end, source }: Piece): [Rational, Rational] {
  const start = readAssetStart(asset);
  return [advanceTime(start, first, source.frameRate), advanceTime(start, end, source.frameRate)];
}

/** Whether something of the clip remains that its new asset does not hold. */
export function leavesRest(clip: XmlElement, asset: XmlElement, piece: Piece): boolean {
  if (findTimeMap(clip) !== undefined) return false;
  const { start, end, newStart, newEnd } = measureCut(clip, asset, piece);
  return compare(start, newStart) !== 0 || compare(end, newEnd) !== 0;
}

/**
 * Cuts a clip to what its new asset holds, where that is less than the clip would show: Final Cut refuses edits without media. Storylines
 * have no holes: what is cut off goes on as the old asset's sound, which something else may play, or as a gap. What a clip took from its old
 * asset by saying nothing is said now.
 */
export function cutToPiece(
  edits: EditList,
  source: string,
  clip: XmlElement,
  asset: XmlElement,
  piece: Piece,
): void {
  const timeMap = findTimeMap(clip);
  if (timeMap !== undefined) {
    const [from, to] = findClock(asset, piece);
    cutPoints(edits, timeMap, from, to);
    return;
  }
  const { start, end, newStart, newEnd } = measureCut(clip, asset, piece);
  setTime(edits, clip, 'start', newStart);
  setTime(edits, clip, 'duration', subtract(newEnd, newStart));
  if (!leavesRest(clip, asset, piece)) return;
  const offset = parseTime(readAttribute(clip, 'offset')) ?? { num: 0, den: 1 };
  const before = subtract(newStart, start);
  if (before.num > 0) setTime(edits, clip, 'offset', add(offset, before));
  for (const sound of clip.children.filter(({ name }) => name === 'audio')) {
    const late = subtract(newStart, parseTime(readAttribute(sound, 'offset')) ?? start);
    if (late.num <= 0) continue;
    setTime(edits, sound, 'offset', newStart);
    setTime(edits, sound, 'start', add(parseTime(readAttribute(sound, 'start')) ?? { num: 0, den: 1 }, late));
    const lasts = parseTime(readAttribute(sound, 'duration'));
    if (lasts !== null) setTime(edits, sound, 'duration', subtract(lasts, late));
  }
  if (!/^(spine|mc-angle)$/.test(clip.parent?.name ?? '')) return;
  const rest = (from: Rational, to: Rational): string =>
    renderRest(source, clip, asset, add(offset, subtract(from, start)), from, subtract(to, from));
  if (before.num > 0) edits.replace(clip.start, clip.start, rest(start, newStart));
  if (compare(newEnd, end) < 0) edits.replace(clip.end, clip.end, rest(newEnd, end));
}

/** Sound alone of a clip, or a gap where it has none. */
function renderRest(
  source: string,
  clip: XmlElement,
  asset: XmlElement,
  offset: Rational,
  start: Rational,
  duration: Rational,
): string {
  const times = `offset="${formatTime(offset)}" start="${formatTime(start)}" duration="${formatTime(duration)}"`;
  const sounds =
    clip.name === 'asset-clip' &&
    readAttribute(asset, 'hasAudio') === '1' &&
    readAttribute(clip, 'srcEnable') !== 'video';
  if (!sounds) return `<gap name="Gap" ${times}/>`;
  const kept = ['ref', 'name', 'enabled', 'format', 'tcFormat', 'audioRole'].flatMap((name) => {
    const value = readAttribute(clip, name);
    return value === undefined ? [] : ` ${name}="${escapeXml(value)}"`;
  });
  const inside = clip.children
    .filter(({ name }) => /^(adjust-volume|adjust-panner|audio-channel-source|filter-audio)$/.test(name))
    .map((child) => source.slice(child.start, child.end));
  return `<asset-clip${kept.join('')} ${times} srcEnable="audio">${inside.join('')}</asset-clip>`;
}

function setTime(edits: EditList, element: XmlElement, name: string, value: Rational): void {
  const written = parseTime(readAttribute(element, name));
  if (written === null || compare(written, value) !== 0)
    editAttribute(edits, element, name, formatTime(value));
}

function findTimeMap(clip: XmlElement): XmlElement | undefined {
  return clip.children.find(({ name }) => name === 'timeMap');
}

interface Point {
  readonly element: XmlElement;
  readonly time: Rational;
  readonly value: Rational;
}

/** The two points of one speed that is not zero; null for any other map. */
function readPoints(timeMap: XmlElement): readonly [Point, Point] | null {
  const points = timeMap.children.flatMap((element) => {
    const [time, value] = [
      parseTime(readAttribute(element, 'time')),
      parseTime(readAttribute(element, 'value')),
    ];
    return time === null || value === null ? [] : [{ element, time, value }];
  });
  const [first, last] = points;
  if (points.length !== 2 || first === undefined || last === undefined) return null;
  const moves = compare(first.time, last.time) < 0 && compare(first.value, last.value) !== 0;
  return moves ? [first, last] : null;
}

/** Moves the points along their line to where the new asset begins and ends. */
function cutPoints(edits: EditList, timeMap: XmlElement, from: Rational, to: Rational): void {
  const points = readPoints(timeMap);
  if (points === null) return;
  const [first, last] = points;
  const slope = divide(subtract(last.time, first.time), subtract(last.value, first.value));
  for (const { element, value } of points) {
    const within = compare(value, from) < 0 ? from : compare(value, to) > 0 ? to : value;
    if (compare(within, value) === 0) continue;
    editAttribute(edits, element, 'value', formatTime(within));
    editAttribute(
      edits,
      element,
      'time',
      formatTime(add(first.time, multiply(subtract(within, first.value), slope))),
    );
  }
}
