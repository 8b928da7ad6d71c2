import { rescale } from '../core/rational.ts';
import type { DecodePlan, SegmentPlan } from '../decode/decode-plan.ts';
import type { VideoStream } from '../decode/source.ts';
import type { FrameRange } from './frame-range.ts';

/** A source that must be decoded from its start for each segment is cut into no more than this. */
const MOST_SEGMENTS_WITHOUT_SEEK = 8;
/** Shorter pieces cost more in starting and flushing the encoder than they gain. */
const SHORTEST_SEGMENT_FRAMES = 24;
/** How far, in lengths of a segment, a border moves to a key frame: lanes that end together save more than decoding from one does. */
const KEY_FRAME_SHARE = 1 / 20;

export interface SegmentOptions {
  readonly lanes: number;
  /** Source seconds that a segment should last. */
  readonly targetSeconds: number;
  /** Output frames of lead-in that the temporal stage needs. */
  readonly leadFrames: number;
  /** Frames that are wanted; all when left out. */
  readonly range?: FrameRange | null | undefined;
}

/**
 * Cuts the source into segments of whole frames, as even as its key frames allow and a multiple of the lanes where the length
 * allows. Borders lie shortly after a key frame, so that a segment decodes hardly more than its own frames.
 */
export function cutSegments(video: VideoStream, decode: DecodePlan, options: SegmentOptions): SegmentPlan[] {
  const { scan } = video;
  const { range = null, leadFrames } = options;
  const frames = range?.frames ?? scan.frames;
  const totalFrames = frames * decode.framesPerInput;
  const whole: SegmentPlan = {
    ...cutPiece(video, decode, {
      index: 0,
      startPts: range?.startPts ?? null,
      endPts: range?.endPts ?? null,
      leadFrames,
    }),
    expectedFrames: totalFrames,
  };
  if (scan.firstPts === null || scan.lastPts === null || scan.step === null || scan.missingPts > 0)
    return [whole];
  // The decoder counts across the jumps of such a clock, so the packets' times say nothing of where frames come out.
  if (!decode.copyTimestamps) return [whole];

  const toTicks = (pts: number): number => rescale(pts, video.timeBase, decode.timeBase);
  const first = range?.firstPts ?? toTicks(scan.firstPts);
  const last = range?.lastPts ?? toTicks(scan.lastPts);
  const step = Math.max(1, toTicks(scan.step.median));
  const seconds = ((last - first + step) * decode.timeBase.num) / decode.timeBase.den;
  const count = countSegments(frames, seconds, decode, options);
  if (count === 1) return [whole];

  const lead = (options.leadFrames + decode.filterMargin + 1) * step;
  const keyframes = scan.intraOnly ? null : scan.keyframes.map(toTicks);
  const borders: { start: number; seek: number | null }[] = [];
  for (let i = 1; i < count; i++) {
    const ideal = first + Math.round(((last - first + step) * i) / count);
    const border = placeBorder(ideal, decode, { keyframes, lead, step, first, span: (last - first) / count });
    const previous = borders.at(-1)?.start ?? first;
    if (border.start > previous + step && border.start <= last) borders.push(border);
  }

  const starts = [whole.startPts, ...borders.map((border) => border.start)];
  const ends = [...borders.map((border) => border.start), whole.endPts];
  let counted = 0;
  return starts.map((startPts, index) => {
    const endPts = ends[index] ?? null;
    const until =
      index === borders.length || endPts === null
        ? totalFrames
        : Math.round((totalFrames * (endPts - first)) / (last - first + step));
    const expectedFrames = Math.max(0, until - counted);
    counted = until;
    const seekPts = index === 0 ? whole.seekPts : (borders[index - 1]?.seek ?? null);
    return { index, startPts, endPts, seekPts, expectedFrames };
  });
}

/**
 * A segment from `startPts` on: everything after, or with `endPts` as much as lies before that. Where `startPts` is null it begins with the
 * first frame.
 */
export function cutPiece(
  video: VideoStream,
  decode: DecodePlan,
  piece: {
    readonly index: number;
    readonly startPts: number | null;
    readonly endPts: number | null;
    readonly leadFrames: number;
  },
): SegmentPlan {
  const { index, startPts, endPts, leadFrames } = piece;
  const { scan } = video;
  const toTicks = (pts: number): number => rescale(pts, video.timeBase, decode.timeBase);
  const lead = (leadFrames + decode.filterMargin + 1) * Math.max(1, toTicks(scan.step?.median ?? 1));
  const canSeek = startPts !== null && decode.seek === 'keyframe' && scan.missingPts === 0;
  const seekPts = canSeek
    ? (scan.keyframes.map(toTicks).findLast((key) => key <= startPts - lead) ?? null)
    : null;
  return { index, startPts, endPts, seekPts, expectedFrames: 1 };
}

function countSegments(frames: number, seconds: number, decode: DecodePlan, options: SegmentOptions): number {
  let count = Math.ceil(seconds / options.targetSeconds);
  count = Math.ceil(count / options.lanes) * options.lanes;
  if (decode.seek === 'start') count = Math.min(count, Math.max(options.lanes, MOST_SEGMENTS_WITHOUT_SEEK));
  return Math.max(1, Math.min(count, Math.floor(frames / SHORTEST_SEGMENT_FRAMES)));
}

/** Puts a border near `ideal`: behind the key frame that is nearest to it, if one is near, by just the lead-in. */
function placeBorder(
  ideal: number,
  decode: DecodePlan,
  grid: { keyframes: number[] | null; lead: number; step: number; first: number; span: number },
): { start: number; seek: number | null } {
  if (decode.seek === 'start') return { start: ideal, seek: null };
  if (grid.keyframes === null) return { start: ideal, seek: Math.max(grid.first, ideal - grid.lead) };
  let start = ideal;
  let nearest = Number.POSITIVE_INFINITY;
  for (const key of grid.keyframes) {
    const distance = Math.abs(key + grid.lead - ideal);
    if (distance < nearest && distance < grid.span * KEY_FRAME_SHARE) {
      nearest = distance;
      start = key + grid.lead;
    }
  }
  const seek = grid.keyframes.findLast((key) => key <= start - grid.lead) ?? null;
  return { start, seek };
}
