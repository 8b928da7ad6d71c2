import { rescale, toNumber } from '../core/rational.ts';
import type { SegmentPlan } from '../decode/decode-plan.ts';
import type { PacketScan } from '../decode/source.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import { cutPiece } from '../pipeline/segments.ts';

/** Source seconds of a segment: what a player asks for at once. Shorter ones start encoders more often, longer ones keep a seek waiting. */
const SEGMENT_SECONDS = 0.6;
/** Of the first segment, which somebody waits for from the first moment on. */
const START_SECONDS = 0.2;

/** One segment of a playlist: `[startTicks, endTicks)` of the plan's `decode.timeBase`, borders between two frames. */
export interface GridSegment {
  readonly index: number;
  readonly startTicks: number;
  readonly endTicks: number;
  /** When its first frame is shown, and when the next segment's is. */
  readonly firstTicks: number;
  readonly nextTicks: number;
  /** Seconds after the first frame. */
  readonly start: number;
  /** Seconds. */
  readonly duration: number;
}

/** The segments of a playlist, and where its clock starts. */
export interface Grid {
  /** Ticks of the first frame, which is zero for players. */
  readonly originTicks: number;
  /** Distance of two output frames in ticks, where it is steady. */
  readonly stepTicks: number;
  /** The same in seconds. */
  readonly frameSeconds: number;
  readonly segments: readonly GridSegment[];
  /** Seconds of the whole. */
  readonly duration: number;
}

/**
 * Cuts the source for a playlist: equal numbers of frames where frames are equally far apart, else about equal times, each segment from one frame
 * to another. Pure.
 *
 * @param isEager - Whether the first segment is short. The speed of a machine cannot be told by so few frames.
 * @param frameTimes - Where frames are not equally far apart: their times, ascending, in ticks of the source
 */
export function cutGrid(
  { source, decode, frameRate }: Pick<Plan, 'source' | 'decode' | 'frameRate'>,
  isEager: boolean,
  frameTimes: Float64Array | null = null,
): Grid {
  const { scan, timeBase } = source.video;
  const clock = toNumber(decode.timeBase);
  const toTicks = (pts: number): number => rescale(pts, timeBase, decode.timeBase);
  const step = frameRate === null ? toTicks(scan.step?.median ?? 1) : 1 / (toNumber(frameRate) * clock);
  const origin = findOrigin(scan, toTicks);
  const end = toTicks(scan.lastPts ?? 0) - origin + (toTicks(1) > 1 ? toTicks(scan.step?.median ?? 1) : step);
  const frames = Math.max(1, Math.round(end / step));
  const countFrames = (seconds: number): number => Math.max(1, Math.round(seconds / (step * clock)));
  const perSegment = countFrames(SEGMENT_SECONDS);
  const inFirst = isEager ? countFrames(START_SECONDS) : perSegment;
  const count = 1 + Math.max(0, Math.round((frames - inFirst) / perSegment));
  const last = frameTimes === null ? step * frames : end;
  const borderAt = (index: number): number => {
    if (index === 0) return 0;
    return index === count ? last : step * Math.min(inFirst + (index - 1) * perSegment, frames);
  };
  const even = Array.from({ length: count + 1 }, (_, index) => ({ at: borderAt(index), half: step / 2 }));
  const borders =
    frameTimes === null
      ? even
      : moveToFrames(even, frameTimes, { step, toTicks: (pts) => toTicks(pts) - origin });
  const segments = borders.slice(0, -1).map(({ at: from, half }, index) => {
    const { at: to, half: halfOfNext } = borders[index + 1] ?? { at: from, half };
    return {
      index,
      // Half a frame early, so that rounded times fall on the right side.
      startTicks: Math.round(origin + from - half),
      endTicks: Math.round(origin + to - halfOfNext),
      firstTicks: origin + from,
      nextTicks: origin + to,
      start: from * clock,
      duration: (to - from) * clock,
    };
  });
  return {
    originTicks: origin,
    stepTicks: Math.max(1, Math.round(step)),
    frameSeconds: step * clock,
    segments,
    duration: last * clock,
  };
}

/** When the first frame is shown, in ticks. Packets without a time may stand before the first one that has one. */
function findOrigin(
  { firstPts, lastPts, missingPts, frames, step }: PacketScan,
  toTicks: (pts: number) => number,
): number {
  if (firstPts === null || lastPts === null) return 0;
  const told = missingPts === 0 || step === null ? firstPts : lastPts - (frames - 1) * step.median;
  return toTicks(Math.min(firstPts, told));
}

/** A border of two segments, in ticks behind the first frame: the time of the frame behind it, and how far before that it may lie. */
interface Border {
  readonly at: number;
  readonly half: number;
}

/** Moves the inner borders to the next frame each; those that fall together become one. */
function moveToFrames(
  borders: readonly Border[],
  frameTimes: Float64Array,
  { step, toTicks }: { readonly step: number; readonly toTicks: (pts: number) => number },
): Border[] {
  const moved = borders.slice(0, 1);
  let frame = 1;
  for (const { at } of borders.slice(1, -1)) {
    while (frame < frameTimes.length && toTicks(frameTimes[frame] ?? 0) < at) frame++;
    if (frame >= frameTimes.length) break;
    const [before, time] = [toTicks(frameTimes[frame - 1] ?? 0), toTicks(frameTimes[frame] ?? 0)];
    if (time > (moved.at(-1)?.at ?? 0)) moved.push({ at: time, half: Math.min(step, time - before) / 2 });
  }
  return [...moved, ...borders.slice(-1)];
}

/** A segment as lanes run it, in one piece or in several of about as many frames. The first and the last reach to where frames end. */
export function cutPieces(
  { plan, leadFrames }: { readonly plan: Plan; readonly leadFrames: number },
  grid: Grid,
  index: number,
  count: number,
): SegmentPlan[] {
  const segment = grid.segments[index];
  if (segment === undefined) return [];
  const frames = Math.max(1, Math.round((segment.endTicks - segment.startTicks) / grid.stepTicks));
  const pieces = Math.min(count, frames);
  const borderAt = (piece: number): number =>
    segment.startTicks +
    Math.round(((segment.endTicks - segment.startTicks) * Math.round((frames * piece) / pieces)) / frames);
  const isLast = index === grid.segments.length - 1;
  return Array.from({ length: pieces }, (_, piece) =>
    cutPiece(plan.source.video, plan.decode, {
      index: piece,
      startPts: index === 0 && piece === 0 ? null : borderAt(piece),
      endPts: isLast && piece === pieces - 1 ? null : borderAt(piece + 1),
      leadFrames,
    }),
  );
}
