import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import type { Device, ModelFacts } from '../infer/infer-plan.ts';
import {
  compressLuma,
  computeInnerPsnr,
  readLuma,
  scaleLuma,
  type LumaOptions,
  type LumaPlane,
} from './luma-plane.ts';
import { openModel, type OpenModel } from './open-model.ts';

/** What a picture goes through before it is enlarged again: shrunk by a filter of ffmpeg's, and then by x264 at crf 26. */
export const DEGRADATIONS = ['bicubic', 'area', 'compressed'] as const;
export type Degradation = (typeof DEGRADATIONS)[number];

/** One picture and what is left of it. */
export interface QualityTest {
  /** Name of the clip that it is from. */
  readonly clip: string;
  readonly degradation: Degradation;
  readonly factor: number;
  readonly truth: LumaPlane;
  readonly small: LumaPlane;
  /** PSNR in dB of what ffmpeg's own Lanczos (`scale=flags=lanczos+accurate_rnd`) makes of `small`. */
  readonly lanczos: number;
}

/** Mean gains over Lanczos in dB; `clean` is the mean of bicubic and area. */
export type QualityGains = Readonly<Record<Degradation | 'clean', number>>;

export interface GainOptions {
  readonly device: Device | 'auto';
  /** Threads on the CPU. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/** Samples at each side that are not measured: there, models see edges that the truth's neighbourhood does not have. */
const BORDER = 8;
/** Frames that are compressed together; the one in the middle is measured. */
const WINDOW = 5;
const GRID = 8;

/**
 * Makes the tests of a clip: its first frame and those at one and two thirds, shrunk `factor` times. The measure is that of
 * `training/footage.py`.
 *
 * @throws UpscaleError `SOURCE_DAMAGED` where nothing decodes, `FFMPEG_FAILED`, `ABORTED`
 */
export async function makeQualityTests(
  clip: string,
  options: LumaOptions & {
    /** @defaultValue 2 */
    readonly factor?: number;
  },
): Promise<QualityTest[]> {
  const { factor = 2 } = options;
  const tests: QualityTest[] = [];
  for (const window of await readWindows(clip, { ...options, grid: commonMultiple(GRID, factor) })) {
    const pictures = await degrade(window, factor, options);
    for (const { degradation, truth, small } of pictures) {
      const [enlarged] = await scaleLuma([small], truth, 'lanczos', options);
      if (enlarged === undefined) throw new UpscaleError('FFMPEG_FAILED', 'ffmpeg gave no picture.');
      const lanczos = computeInnerPsnr(truth, enlarged, BORDER);
      tests.push({ clip: path.basename(clip), degradation, factor, truth, small, lanczos });
    }
  }
  return tests;
}

/**
 * PSNR over Lanczos in dB of what `model` makes of each test, 8-bit luma. Models of several channels get the luma as gray, and the mean
 * of what they give is taken.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `DEVICE_UNAVAILABLE`, `MEMORY_BUDGET`, `INFERENCE_FAILED`, `ABORTED`
 */
export async function measureGains(
  model: ModelFacts,
  tests: readonly QualityTest[],
  { signal, ...options }: GainOptions,
): Promise<number[]> {
  const gains = new Map<QualityTest, number>();
  for (const group of groupBySize(tests)) {
    const [{ small, factor }] = group;
    const format = model.channels === 1 ? 'gray' : 'gbrp';
    const open = await openModel(model, { ...options, ...small, format, factor });
    try {
      for (const test of group) {
        const result = await enlarge(open, test.small, signal);
        gains.set(test, computeInnerPsnr(test.truth, result, BORDER) - test.lanczos);
      }
    } finally {
      await open.upscaler.close();
    }
  }
  return tests.map((test) => gains.get(test) ?? 0);
}

/** Means of gains, over the frames of each clip first and then over the clips. */
export function summariseGains(tests: readonly QualityTest[], gains: readonly number[]): QualityGains {
  const [bicubic, area, compressed] = DEGRADATIONS.map((degradation) => {
    const clips = new Map<string, number[]>();
    tests.forEach((test, i) => {
      if (test.degradation !== degradation) return;
      clips.set(test.clip, [...(clips.get(test.clip) ?? []), gains[i] ?? 0]);
    });
    return computeMean([...clips.values()].map(computeMean));
  }) as [number, number, number];
  return { bicubic, area, compressed, clean: (bicubic + area) / 2 };
}

/** Up to three runs of neighbouring frames; decodes twice, so that no more than those are held. */
async function readWindows(clip: string, options: LumaOptions & { grid: number }): Promise<LumaPlane[][]> {
  const count = await countFrames(clip, options);
  if (count === 0) {
    throw new UpscaleError('SOURCE_DAMAGED', `${clip} gives no frame to measure on.`, {
      hint: 'Choose another clip.',
    });
  }
  const starts = [...new Set([0, Math.floor(count / 3), Math.floor((2 * count) / 3)])];
  const windows = starts.map((): LumaPlane[] => []);
  let index = 0;
  for await (const plane of readLuma(clip, options)) {
    starts.forEach((start, i) => {
      if (index >= start && index < start + WINDOW) windows[i]?.push(plane);
    });
    index++;
  }
  return windows.filter((window) => window.length > 0);
}

async function countFrames(clip: string, options: LumaOptions): Promise<number> {
  const frames = readLuma(clip, options);
  let count = 0;
  while ((await frames.next()).done !== true) count++;
  return count;
}

async function degrade(
  window: readonly LumaPlane[],
  factor: number,
  options: LumaOptions,
): Promise<Pick<QualityTest, 'degradation' | 'truth' | 'small'>[]> {
  const [truth] = window;
  if (truth === undefined) return [];
  const size = { width: Math.round(truth.width / factor), height: Math.round(truth.height / factor) };
  const small = await scaleLuma(window, size, 'bicubic', options);
  const [area] = await scaleLuma([truth], size, 'area', options);
  const compressed = await compressLuma(small, options);
  const middle = window.length >> 1;
  const [first, coded] = [small[0], compressed[Math.min(middle, compressed.length - 1)]];
  if (first === undefined || area === undefined || coded === undefined) {
    throw new UpscaleError('FFMPEG_FAILED', 'ffmpeg gave no picture.');
  }
  return [
    { degradation: 'bicubic', truth, small: first },
    { degradation: 'area', truth, small: area },
    { degradation: 'compressed', truth: window[middle] ?? truth, small: coded },
  ];
}

async function enlarge(
  { plan, arena, upscaler }: OpenModel,
  plane: LumaPlane,
  signal: AbortSignal | undefined,
): Promise<LumaPlane> {
  const frame = arena.allocateFrame(pixelFormat(plan.input.format), plane.width, plane.height, 0);
  for (const { offset } of frame.planes) arena.bytes(offset, plane.samples.length).set(plane.samples);
  const result = await upscaler.upscale(frame, signal);
  try {
    const { width, height } = result;
    const planes = result.planes.map(({ offset }) => arena.bytes(offset, width * height));
    const [only] = planes;
    if (only !== undefined && planes.length === 1) return { width, height, samples: only.slice() };
    const samples = Uint8Array.from({ length: width * height }, (_, i) =>
      Math.round(planes.reduce((sum, values) => sum + (values[i] ?? 0), 0) / planes.length),
    );
    return { width, height, samples };
  } finally {
    result.dispose();
  }
}

function groupBySize(tests: readonly QualityTest[]): [QualityTest, ...QualityTest[]][] {
  const groups = new Map<string, [QualityTest, ...QualityTest[]]>();
  for (const test of tests) {
    const key = `${test.small.width}x${test.small.height}, ${test.factor}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [test]);
    else group.push(test);
  }
  return [...groups.values()];
}

function computeMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function commonMultiple(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}
