import { rational, type Rational } from '../core/rational.ts';

/** Ticks a second in which all of a plan's times are whole. */
export function timescale(timeBase: Rational): number {
  return timeBase.den;
}

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
  const whole = timescale(timeBase);
  if (frameRate === null || !hasTimecode) return whole;
  const common = rational(whole, frameRate.num).num * frameRate.num;
  return common <= FINEST ? common : whole;
}
