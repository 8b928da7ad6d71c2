import type { Rational } from './rational.ts';

/** What a timecode counts: frames in a second as shown (24, 25, 30, 50, 60), and whether numbers are dropped to keep up with the clock. */
export interface TimecodeCount {
  readonly framesPerSecond: number;
  readonly dropFrame: boolean;
}

/** Whether drop-frame timecode is defined at this rate (SMPTE ST 12-1, ST 12-3): 29.97 and 59.94. */
export function allowsDropFrame({ num, den }: Rational): boolean {
  const rate = num / den;
  return Math.abs(rate - 30000 / 1001) < 0.001 || Math.abs(rate - 60000 / 1001) < 0.001;
}

/** How timecode counts at a frame rate: 23.976 counts 24, 29.97 counts 30. */
export function countTimecode({ num, den }: Rational, dropFrame: boolean): TimecodeCount {
  return { framesPerSecond: Math.max(1, Math.round(num / den)), dropFrame };
}

/** Numbers dropped at the start of each minute that is no tenth: 2 of 30, 4 of 60. */
function countDropped({ framesPerSecond, dropFrame }: TimecodeCount): number {
  return dropFrame ? Math.round(framesPerSecond / 15) : 0;
}

/** Frames after which timecode starts over. */
export function framesPerDay(count: TimecodeCount): number {
  return count.framesPerSecond * 86400 - countDropped(count) * 9 * 144;
}

/** Parts of a text that looks like a timecode; null for any other. A mark other than a colon before the frames means drop-frame. */
export function splitTimecode(
  text: string,
): { readonly fields: readonly [number, number, number, number]; readonly dropFrame: boolean } | null {
  const match = /^(\d{2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})$/.exec(text.trim());
  if (match === null) return null;
  const [, hours, minutes, seconds, mark, frames] = match;
  return {
    fields: [Number(hours), Number(minutes), Number(seconds), Number(frames)],
    dropFrame: mark !== ':',
  };
}

/**
 * Frames from `00:00:00:00` to a timecode, in `count` whatever mark the text has. Null for text that is none, and for numbers that do
 * not exist at this rate (frame 25 of 25, or a dropped one).
 */
export function parseTimecode(text: string, count: TimecodeCount): number | null {
  const fields = splitTimecode(text)?.fields;
  if (fields === undefined) return null;
  const [hours, minutes, seconds, frames] = fields;
  if (hours > 23 || minutes > 59 || seconds > 59 || frames >= count.framesPerSecond) return null;
  const dropped = countDropped(count);
  if (seconds === 0 && frames < dropped && minutes % 10 !== 0) return null;
  const minute = hours * 60 + minutes;
  return (
    (minute * 60 + seconds) * count.framesPerSecond + frames - dropped * (minute - Math.floor(minute / 10))
  );
}

/** The timecode `frames` after `00:00:00:00`; starts over after a day, and before zero counts back from the day's end. */
export function formatTimecode(frames: number, count: TimecodeCount): string {
  const day = framesPerDay(count);
  let number = ((Math.trunc(frames) % day) + day) % day;
  const dropped = countDropped(count);
  if (dropped > 0) {
    const perMinute = count.framesPerSecond * 60 - dropped;
    const perTen = perMinute * 10 + dropped;
    const tens = Math.floor(number / perTen);
    const rest = number % perTen;
    // The first minute of ten is a whole one.
    const minutes = rest < count.framesPerSecond * 60 ? 0 : Math.floor((rest - dropped) / perMinute);
    number += dropped * (9 * tens + minutes);
  }
  const seconds = Math.floor(number / count.framesPerSecond);
  const two = (value: number): string => String(value).padStart(2, '0');
  const mark = count.dropFrame ? ';' : ':';
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${mark}${two(number % count.framesPerSecond)}`;
}
