import { toNumber, type Rational } from '../../core/rational.ts';

const CLOCK = /^(-?)(\d+):(\d{1,2}):(\d{1,2})(?:([.,])(\d+))?$/;
const SMPTE = /^(\d+):(\d{1,2}):(\d{1,2})[:;](\d+)$/;

/**
 * Reads a position as MLT writes it (mlt_property.c): frames, a clock (`00:00:05.960`), or a timecode (`00:00:05:24`). Null for anything
 * else.
 */
export function parsePosition(text: string, rate: Rational): number | null {
  const value = text.trim();
  if (/^-?\d+$/.test(value)) return Number(value);
  const clock = CLOCK.exec(value);
  if (clock !== null) {
    const [, sign, hours, minutes, seconds, , fraction = ''] = clock;
    const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(`${seconds ?? ''}.${fraction}`);
    return (sign === '-' ? -1 : 1) * Math.round(total * toNumber(rate));
  }
  const smpte = SMPTE.exec(value);
  if (smpte === null || value.includes(';')) return null;
  const [, hours, minutes, seconds, frames] = smpte;
  const nominal = Math.round(toNumber(rate));
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * nominal + Number(frames);
}

/** Writes a position in the form that `like` has. */
export function formatPosition(frames: number, rate: Rational, like: string): string {
  const clock = CLOCK.exec(like.trim());
  if (clock !== null) {
    const milliseconds = Math.round((Math.abs(frames) * 1000) / toNumber(rate));
    const two = (value: number): string => String(value).padStart(2, '0');
    const seconds = Math.floor(milliseconds / 1000);
    const whole = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    const fraction = String(milliseconds % 1000).padStart(3, '0');
    return `${frames < 0 ? '-' : ''}${whole}${clock[5] ?? '.'}${fraction}`;
  }
  if (!SMPTE.test(like.trim())) return String(frames);
  const nominal = Math.round(toNumber(rate));
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(frames / nominal);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}:${two(frames % nominal)}`;
}

/** How much larger the new sequence is in its own pixels, across and down. */
export interface PixelScale {
  readonly x: number;
  readonly y: number;
}

const KEYFRAME = /^(\s*(?:-?\d+|-?\d+:\d+:\d+(?:[.,:;]\d+)?)\s*[^\s\d=.-]?=)([\s\S]*)$/;

/** Whether a property changes over time. */
export function isAnimated(value: string): boolean {
  return value.split(';').some((part) => KEYFRAME.test(part));
}

/**
 * Scales a rectangle or each of its keyframes: `x y w h opacity`, `x,y:wxh:opacity` or `x/y:wxh:opacity`. Parts in per cent are of the
 * frame and stay. Null for text that is no rectangle.
 */
export function scaleRectangles(value: string, scale: PixelScale): string | null {
  return mapKeyframes(value, (text) => {
    const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?(?:e-?\d+)?%?/gi)];
    if (numbers.length < 2 || numbers.length > 5) return null;
    if (!/^[\s\d.,:;/x%e+-]*$/i.test(text)) return null;
    let index = 0;
    return text.replace(/-?\d+(?:\.\d+)?(?:e-?\d+)?%?/gi, (number) => {
      const factor = [scale.x, scale.y, scale.x, scale.y, 1][index++] ?? 1;
      return number.endsWith('%') ? number : scaleNumber(number, factor);
    });
  });
}

/** Scales a number or each of its keyframes. Null for text that is none. */
export function scaleNumbers(value: string, factor: number): string | null {
  return mapKeyframes(value, (text) =>
    /^\s*-?\d+(?:\.\d+)?\s*$/.test(text) ? scaleNumber(text.trim(), factor) : null,
  );
}

/** Whole numbers stay whole where that is exact to a thousandth. */
function scaleNumber(text: string, factor: number): string {
  const scaled = Number(text) * factor;
  const rounded = Math.round(scaled);
  return Math.abs(scaled - rounded) < 5e-4 ? String(rounded) : String(Number(scaled.toFixed(4)));
}

function mapKeyframes(value: string, map: (text: string) => string | null): string | null {
  const parts: string[] = [];
  for (const part of value.split(';')) {
    const keyframe = KEYFRAME.exec(part);
    const text = keyframe?.[2] ?? part;
    // A list of keyframes may end with its separator.
    const mapped = text.trim() === '' ? text : map(text);
    if (mapped === null) return null;
    parts.push((keyframe?.[1] ?? '') + mapped);
  }
  return parts.join(';');
}
