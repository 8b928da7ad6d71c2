import { rational, type Rational } from '../core/rational.ts';

/** Finer clocks make the numbers of long movies large. */
const FINEST = 200_000;

/**
 * Ticks a second of a movie's video track: all times are whole in them and, where a timecode is written, the duration of a frame as well. ffmpeg
 * counts timecode in them, and at 17 of 1000 a frame takes drop-frame timecode of 59.94 a second for none.
 */
export function trackClock(
  timeBase: Rational,
  { frameRate, hasTimecode }: { readonly frameRate: Rational | null; readonly hasTimecode: boolean },
): number {
  if (frameRate === null || !hasTimecode) return timeBase.den;
  const common = rational(timeBase.den, frameRate.num).num * frameRate.num;
  return common <= FINEST ? common : timeBase.den;
}
