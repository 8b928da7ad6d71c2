import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { readAhead } from '../core/async.ts';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { openDecoder, type DecodedFrame } from '../decode/decoder.ts';
import { openEncoder } from '../encode/encoder.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { Upscaler } from '../infer/upscaler.ts';
import type { Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { blendTemporal } from '../temporal/blend-temporal.ts';
import { DECODE_AHEAD, ENCODE_AHEAD } from './flight.ts';
import type { Plan, SegmentResult } from './plan-schema.ts';
import type { FrameStack } from './stack-frames.ts';

/** What a lane owns and lends to the segments that it runs, one after another. */
export interface LaneResources {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly upscaler: Upscaler;
  /** For plans that show the source's frame as well. */
  readonly stack?: FrameStack | undefined;
  readonly tools: FfmpegTools;
}

export interface RunSegmentOptions {
  /** Folder that the segment's file is written into; it exists. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** Called for each frame that the encoder took. */
  readonly onFrame?: ((stages: StageSeconds) => void) | undefined;
}

export type StageSeconds = SegmentResult['stageSeconds'];

/**
 * Upscales segment `index` of `plan`: decode, blend, infer and encode in one straight line, a few frames in flight.
 * The same plan and index always give the same pixels and times, whoever runs it and however often.
 *
 * Throws `ABORTED` when `signal` is aborted, after both ffmpeg processes are gone; a failed segment leaves no file.
 */
export async function runSegment(
  plan: Plan,
  index: number,
  lane: LaneResources,
  options: RunSegmentOptions,
): Promise<SegmentResult> {
  const segment = plan.segments[index];
  if (segment === undefined) throw new UpscaleError('PLAN_INVALID', `The plan has no segment ${index}.`);
  const { signal, logger = silentLogger } = options;
  throwIfAborted(signal);

  const target = segmentPath(plan, index, options.directory);
  const busy: StageSeconds = { decode: 0, temporal: 0, infer: 0, encode: 0 };
  const io = { arena: lane.arena, tools: lane.tools, logger, ...(signal === undefined ? {} : { signal }) };
  const decoder = openDecoder(plan.decode, segment, {
    ...io,
    leadFrames: plan.temporal.radius,
    tailFrames: plan.temporal.radius,
  });
  const isLast = index === plan.segments.length - 1;
  const encoder = await openEncoder(plan.encode, target, {
    ...io,
    lastTicks: isLast ? plan.lastFrameTicks : null,
  });

  const { stack } = lane;
  const decoded = readAhead(
    measure(keepBodies(decoder.frames(), stack), busy, 'decode'),
    DECODE_AHEAD,
    ({ frame }) => {
      frame.dispose();
    },
  );
  const blended = measure(
    blendTemporal(decoded, plan.temporal, {
      arena: lane.arena,
      kernels: lane.kernels,
    }),
    busy,
    'temporal',
  );
  const first = new FirstFrame();
  const upscaled = readAhead(
    upscaleAll(blended, { upscaler: lane.upscaler, busy, first, signal }),
    ENCODE_AHEAD,
    (frame) => {
      frame.dispose();
    },
  );
  try {
    for await (const frame of upscaled) {
      try {
        if (signal?.aborted === true) frame.dispose();
        throwIfAborted(signal);
        const start = performance.now();
        await encoder.write(stack === undefined ? frame : stack.stack(frame));
        busy.encode += (performance.now() - start) / 1000;
      } finally {
        // Before the loop is left, which waits for the network that waits for this.
        first.pass();
      }
      options.onFrame?.(busy);
    }
    const encoded = await encoder.finish();
    const report = decoder.report();
    return {
      index,
      path: target,
      bytes: encoded.bytes,
      sha256: await hashSegment(target),
      frames: encoded.frames,
      firstPts: report.bodyPts[0] ?? 0,
      lastPts: report.bodyPts.at(-1) ?? 0,
      pts: [...report.bodyPts],
      complaints: [...report.complaints],
      device: lane.upscaler.device.used,
      precision: lane.upscaler.device.precision,
      deviceTried: lane.upscaler.device.tried.map(({ device, error }) => ({ device, error })),
      stageSeconds: busy,
      peakArenaBytes: lane.arena.peakBytes,
    };
  } catch (error) {
    await encoder.abort();
    await rm(target, { recursive: true, force: true });
    throw error;
  } finally {
    await upscaled.return(undefined);
    stack?.clear();
  }
}

/** Keeps the segment's own frames as they are, for what shows them beside the upscaled ones. */
async function* keepBodies(
  frames: AsyncGenerator<DecodedFrame>,
  stack: FrameStack | undefined,
): AsyncGenerator<DecodedFrame> {
  if (stack === undefined) {
    yield* frames;
    return;
  }
  for await (const decoded of frames) {
    try {
      if (decoded.role === 'body') await stack.keep(decoded.frame);
    } catch (error) {
      decoded.frame.dispose();
      throw error;
    }
    yield decoded;
  }
}

/**
 * Holds the network back until the encoder has the first frame. onnxruntime blocks the thread that also writes to the encoder, so the
 * second frame would delay the first by as long as it takes; later on the queue between them keeps both busy.
 */
class FirstFrame {
  readonly written: Promise<void>;
  #pass: () => void = () => undefined;

  constructor() {
    this.written = new Promise((resolve) => {
      this.#pass = resolve;
    });
  }

  pass(): void {
    this.#pass();
  }
}

/** Where a segment's file, or folder of pictures, lies. */
export function segmentPath(plan: Plan, index: number, directory: string): string {
  const stem = `segment-${String(index).padStart(5, '0')}`;
  return path.join(
    directory,
    plan.encode.segmentContainer === 'image2' ? stem : `${stem}.${plan.encode.segmentExtension}`,
  );
}

/** sha256 of a segment's file, or of all pictures of a folder in order of their names. */
export async function hashSegment(target: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await stat(target)).isDirectory()
    ? (await readdir(target)).sort().map((name) => path.join(target, name))
    : [target];
  for (const file of files) {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

async function* upscaleAll(
  frames: AsyncGenerator<Frame>,
  lane: {
    readonly upscaler: Upscaler;
    readonly busy: StageSeconds;
    readonly first: FirstFrame;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<Frame> {
  const { upscaler, busy, first, signal } = lane;
  for await (const frame of frames) {
    if (signal?.aborted === true) {
      frame.dispose();
      throwIfAborted(signal);
    }
    const start = performance.now();
    const result = await upscaler.upscale(frame, signal);
    busy.infer += (performance.now() - start) / 1000;
    yield result;
    await first.written;
  }
}

/** Adds the time that `source` takes for each item to `busy[stage]`. */
async function* measure<T extends Frame | DecodedFrame>(
  source: AsyncGenerator<T>,
  busy: StageSeconds,
  stage: keyof StageSeconds,
): AsyncGenerator<T> {
  try {
    for (;;) {
      const start = performance.now();
      const result = await source.next();
      busy[stage] += (performance.now() - start) / 1000;
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    await source.return(undefined);
  }
}
