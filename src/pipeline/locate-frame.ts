import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import { rescale } from '../core/rational.ts';
import { openDecoder } from '../decode/decoder.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { Arena } from '../kernels/arena.ts';
import type { Plan } from './plan-schema.ts';
import { cutPiece } from './segments.ts';

export interface LocateOptions {
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** A frame that is there, by its time. */
export interface LocatedFrame {
  /** Ticks of the plan's `decode.timeBase`. */
  readonly pts: number;
  /** Seconds after the source's first frame. */
  readonly seconds: number;
}

/**
 * Finds the frame that is shown at `seconds` after the source's first one: the nearest for steady rates, the next for others.
 *
 * @throws UpscaleError `USAGE` where the source is over by then, and what decoding throws
 */
export async function locateFrame(
  plan: Pick<Plan, 'source' | 'decode'>,
  seconds: number,
  options: LocateOptions,
): Promise<LocatedFrame> {
  const { decode } = plan;
  const { scan, timeBase } = plan.source.video;
  const toTicks = (pts: number): number => rescale(pts, timeBase, decode.timeBase);
  const told = decode.copyTimestamps && scan.missingPts === 0 ? scan.firstPts : null;
  // Where packets do not tell their times, the first frame does.
  const first = told === null ? await findFirst(plan, null, options) : toTicks(told);
  const step = toTicks(scan.step?.min ?? 0) / decode.framesPerInput;
  const wanted = Math.ceil((first ?? 0) + (seconds * decode.timeBase.den) / decode.timeBase.num - step / 2);
  const pts = await findFirst(plan, wanted <= (first ?? 0) ? null : wanted, options);
  if (first !== null && pts !== null) {
    return { pts, seconds: ((pts - first) * decode.timeBase.num) / decode.timeBase.den };
  }
  throw new UpscaleError('USAGE', `There is no frame at ${seconds} s.`, {
    hint: 'Choose an earlier moment; upreel probe says how long the source is.',
  });
}

/** Time of the first frame at or after `startPts`, or of all; null where none is left. */
async function findFirst(
  { source, decode }: Pick<Plan, 'source' | 'decode'>,
  startPts: number | null,
  options: LocateOptions,
): Promise<number | null> {
  const piece = cutPiece(source.video, decode, { index: 0, startPts, endPts: null, leadFrames: 0 });
  const size = frameBytes(pixelFormat(decode.format), decode.width, decode.height);
  const arena = new Arena(4 * (size + 64));
  const decoder = openDecoder(decode, piece, { arena, ...options, leadFrames: 0, tailFrames: 0 });
  for await (const { frame, role } of decoder.frames()) {
    const { pts } = frame;
    frame.dispose();
    if (role === 'body') return pts;
  }
  return null;
}
