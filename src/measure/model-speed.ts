import { throwIfAborted } from '../core/errors.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import type { Device, ModelFacts } from '../infer/infer-plan.ts';
import { openModel, type OpenModel } from './open-model.ts';

export interface SpeedOptions {
  /** Of the frames that go in. */
  readonly width: number;
  readonly height: number;
  readonly device: Device | 'auto';
  /** Threads on the CPU. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ModelSpeed {
  /** What it really ran on. */
  readonly device: Device;
  /** Wall milliseconds for a frame: the least, which noise of the machine makes no smaller, and the one in the middle. */
  readonly least: number;
  readonly median: number;
  readonly runs: number;
}

/** Milliseconds that a model is timed for, the first frame not counted. */
const ENOUGH = 1500;
const FEWEST_RUNS = 3;
const MOST_RUNS = 50;
/** A frame that takes longer than this is not tried often. */
const LONG = 5000;

/**
 * Times whole 8-bit frames through `model`: 4:2:0 for those that work on luma, RGB for the others, enlarged by the model's own scale (2 for
 * filters), in one session.
 *
 * @throws UpscaleError `DEVICE_UNAVAILABLE`, `MODEL_INVALID`, `MEMORY_BUDGET`, `INFERENCE_FAILED`, `ABORTED`
 */
export async function timeModel(
  model: ModelFacts,
  { signal, ...options }: SpeedOptions,
): Promise<ModelSpeed> {
  const format = model.channels === 1 ? 'yuv420p' : 'gbrp';
  const factor = model.kind === 'resample' ? 2 : model.scale;
  const open = await openModel(model, { ...options, format, factor });
  try {
    // What is done once (tables, caches, choice of kernels) is no part of it.
    const { wall: first } = await timeFrame(open, signal);
    const times: number[] = [];
    const started = performance.now();
    const needed = first > LONG ? 1 : FEWEST_RUNS;
    while (times.length < needed || (times.length < MOST_RUNS && performance.now() - started < ENOUGH)) {
      times.push((await timeFrame(open, signal)).wall);
    }
    times.sort((a, b) => a - b);
    return {
      device: open.upscaler.device.used,
      least: times[0] ?? first,
      median: times[times.length >> 1] ?? first,
      runs: times.length,
    };
  } finally {
    await open.upscaler.close();
  }
}

/** Milliseconds of one frame: by the clock, and by all threads of the process together. */
export interface FrameTime {
  readonly wall: number;
  readonly cpu: number;
}

/** Runs one frame of noise through `model`. @throws UpscaleError `INFERENCE_FAILED`, `ABORTED` */
export async function timeFrame(
  { plan, arena, upscaler }: OpenModel,
  signal?: AbortSignal,
): Promise<FrameTime> {
  // A turn of the event loop, in which Ctrl-C is heard.
  await new Promise((resolve) => setImmediate(resolve));
  throwIfAborted(signal);
  const { format, width, height } = plan.input;
  const frame = arena.allocateFrame(pixelFormat(format), width, height, 0);
  arena.bytes(frame.offset, frame.byteLength).forEach((_, i, samples) => (samples[i] = (i * 7919) % 251));
  const used = process.cpuUsage();
  const before = performance.now();
  const result = await upscaler.upscale(frame, signal);
  const wall = performance.now() - before;
  const { user, system } = process.cpuUsage(used);
  result.dispose();
  return { wall, cpu: (user + system) / 1000 };
}
