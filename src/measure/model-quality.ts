import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Device, ModelFacts } from '../infer/infer-plan.ts';
import { compressLuma, computeInnerPsnr, scaleLuma, type LumaOptions, type LumaPlane } from './luma-plane.ts';
import { readWindows } from './luma-windows.ts';
import { enlargeLuma, openModel } from './open-model.ts';

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
  for (const window of await readWindows(clip, {
    ...options,
    grid: commonMultiple(GRID, factor),
    length: WINDOW,
  })) {
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
        const result = await enlargeLuma(open, test.small, signal);
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
  const [bicubic, area, compressed] = DEGRADATIONS.map((degradation) =>
    averageOverClips(
      tests.flatMap((test, i) =>
        test.degradation === degradation ? [{ clip: test.clip, gain: gains[i] ?? 0 }] : [],
      ),
    ),
  ) as [number, number, number];
  return { bicubic, area, compressed, clean: (bicubic + area) / 2 };
}

/** Mean over the frames of each clip first, and then over the clips; 0 of nothing. */
export function averageOverClips(
  values: readonly { readonly clip: string; readonly gain: number }[],
): number {
  const clips = new Map<string, number[]>();
  for (const { clip, gain } of values) clips.set(clip, [...(clips.get(clip) ?? []), gain]);
  return computeMean([...clips.values()].map(computeMean));
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
