import { UpscaleError } from '../core/errors.ts';
import { rational, rescale, type Rational } from '../core/rational.ts';
import type { DecodePlan } from '../decode/decode-plan.ts';
import type { Source } from '../decode/source.ts';

/** A run of the source's frames, in its own numbers and in ticks of the plan's `decode.timeBase`. */
export interface FrameRange {
  /** The first frame, counted from 0, and how many there are. */
  readonly first: number;
  readonly frames: number;
  /** Between the frame before and the first one; null from the source's start. */
  readonly startPts: number | null;
  /** Between the last frame and the one behind it; null to the source's end. */
  readonly endPts: number | null;
  /** Times of the first and the last frame. */
  readonly firstPts: number;
  readonly lastPts: number;
  /** Exact length. */
  readonly seconds: Rational;
}

/** Reads `100:200`, `100:` or `:200`: the first frame, counted from 0, and the one behind the last. Throws `USAGE`. */
export function parseFrames(text: string): { readonly first: number; readonly end: number | null } {
  const match = /^(\d*):(\d*)$/.exec(text.trim());
  const [, from = '', to = ''] = match ?? [];
  const [first, end] = [Number(from), to === '' ? null : Number(to)];
  if (match === null || (from === '' && to === '') || (end !== null && end <= first)) {
    throw new UpscaleError('USAGE', `--frames cannot be ${JSON.stringify(text)}.`, {
      hint: 'Write it as 100:200, the first frame (counted from 0) and the one behind the last; either may be left out.',
    });
  }
  return { first, end };
}

/**
 * Finds where frames lie in time. That takes a source whose frames follow each other evenly: their times are counted, not looked up.
 * Throws `USAGE` for others, and for frames that are not there.
 */
export function findFrameRange(source: Source, decode: DecodePlan, text: string): FrameRange {
  const { first, end } = parseFrames(text);
  const { scan, timeBase } = source.video;
  const rate = source.video.frameRate ?? source.video.averageFrameRate;
  const last = Math.min(end ?? scan.frames, scan.frames) - 1;
  if (first >= scan.frames) {
    throw new UpscaleError('USAGE', `${source.path} has ${scan.frames} frames, and none numbered ${first}.`, {
      hint: 'Frames are counted from 0; upreel probe says how many there are.',
    });
  }
  const { firstPts, step } = scan;
  if (rate === null || firstPts === null || step === null || !hasEvenFrames(source)) {
    throw new UpscaleError('USAGE', `The frames of ${source.path} do not follow each other evenly.`, {
      hint: 'Frames can be picked by number from steady rates alone: upscale the whole file.',
    });
  }
  const pts = (frame: number): number => firstPts + ticksOf(frame, rate, timeBase);
  const toTicks = (ticks: number): number => rescale(ticks, timeBase, decode.timeBase);
  // None where a frame lasts a tick: its time is exact then.
  const half = Math.floor(toTicks(step.median) / 2 / decode.framesPerInput);
  return {
    first,
    frames: last - first + 1,
    startPts: first === 0 ? null : toTicks(pts(first)) - half,
    endPts: last === scan.frames - 1 ? null : toTicks(pts(last + 1)) - half,
    firstPts: toTicks(pts(first)),
    lastPts: toTicks(pts(last)),
    seconds: rational((last - first + 1) * rate.den, rate.num),
  };
}

/** Whether frames follow each other at a steady rate, so that their numbers tell their times. */
export function hasEvenFrames({ video, discontinuous }: Source): boolean {
  const { frames, firstPts, lastPts, step, missingPts, duplicatePts } = video.scan;
  const rate = video.frameRate ?? video.averageFrameRate;
  if (rate === null || firstPts === null || lastPts === null || step === null) return false;
  if (discontinuous || missingPts + duplicatePts > 0) return false;
  // Two frames further apart than any rounding: what lies between them has no number.
  if (step.max > 1.5 * step.median + 1) return false;
  return Math.abs(firstPts + ticksOf(frames - 1, rate, video.timeBase) - lastPts) <= step.median / 2;
}

function ticksOf(frame: number, rate: Rational, timeBase: Rational): number {
  return rescale(frame, { num: rate.den, den: rate.num }, timeBase);
}
