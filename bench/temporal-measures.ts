import path from 'node:path';
import { pixelFormat } from '../src/core/pixel-format.ts';
import { loadRegistry } from '../src/infer/registry.ts';
import { Arena } from '../src/kernels/arena.ts';
import { loadKernels } from '../src/kernels/kernels.ts';
import { computeInnerPsnr, scaleLuma, type LumaPlane } from '../src/measure/luma-plane.ts';
import { readWindows } from '../src/measure/luma-windows.ts';
import { enlargeLuma, openModel, type OpenModel } from '../src/measure/open-model.ts';
import { blendTemporal, type TemporalInput } from '../src/temporal/blend-temporal.ts';
import type { TemporalStrength } from '../src/temporal/temporal-plan.ts';
import { denoise, makeRecordings, MEDIA, type Medium } from './camcorder-tests.ts';
import { tools } from './clips.ts';
import { drawMotion, type Motion } from './moving-pictures.ts';
import { addNoise, makeGaussian } from './noise.ts';

const BORDER = 8;
const FACTOR = 2;
const ARENA_BYTES = 512 << 20;

const arena = new Arena(ARENA_BYTES);
const kernels = await loadKernels(arena);

/** Blends planes with each other as a run would. */
export async function blendPlanes(
  planes: readonly LumaPlane[],
  strength: TemporalStrength,
  radius: 1 | 2 = 1,
): Promise<LumaPlane[]> {
  const format = pixelFormat('gray');
  async function* feed(): AsyncGenerator<TemporalInput> {
    for (const [pts, { width, height, samples }] of planes.entries()) {
      const frame = arena.allocateFrame(format, width, height, pts);
      arena.bytes(frame.offset, samples.length).set(samples);
      yield await Promise.resolve({ frame, role: 'body' as const });
    }
  }
  const plan = { strength, radius: strength === 'off' ? 0 : radius };
  const results: LumaPlane[] = [];
  for await (const frame of blendTemporal(feed(), plan, { arena, kernels })) {
    const { width, height, offset, byteLength } = frame;
    results.push({ width, height, samples: arena.bytes(offset, byteLength).slice() });
    frame.dispose();
  }
  return results;
}

const MOTIONS: Readonly<Record<string, Motion>> = {
  still: {},
  'pan of 1.7': { pan: [1.7, 0] },
  'pan of 11.3, -4.6': { pan: [11.3, -4.6] },
  'zoom and rotation': { zoom: 0.01, turn: 0.01 },
};

export interface NoiseRow {
  readonly motion: string;
  readonly radius: 1 | 2;
  readonly gain: number;
  readonly least: number;
}

const RADII = [1, 2] as const;

/** Gain in dB over the noisy frame, Gaussian noise of sigma 5, mean over photographs; and the worst. */
export async function measureNoise(
  photos: readonly LumaPlane[],
  strength: TemporalStrength,
): Promise<NoiseRow[]> {
  const rows: NoiseRow[] = [];
  for (const radius of RADII) {
    for (const [motion, path] of Object.entries(MOTIONS)) {
      const gains: number[] = [];
      for (const photo of photos) {
        const truths = drawMotion(photo, path, 5);
        const noise = makeGaussian(1);
        const noisy = truths.map((plane) => addNoise(plane, 5, noise));
        const middle = truths.length >> 1;
        const blended = await blendPlanes(noisy, strength, radius);
        gains.push(psnrAt(truths, blended, middle) - psnrAt(truths, noisy, middle));
      }
      rows.push({ motion, radius, gain: mean(gains), least: Math.min(...gains) });
    }
  }
  return rows;
}

type Enlarge = (planes: readonly LumaPlane[]) => Promise<LumaPlane[]>;

/** Change in dB that blending makes to clean footage, shrunk by bicubic and enlarged again: the worse of both radii. */
export async function measureClean(
  clip: string,
  strength: TemporalStrength,
  open: (size: LumaPlane) => Promise<Enlarge>,
): Promise<number[]> {
  const changes: number[] = [];
  for (const truths of await readWindows(clip, { tools, grid: 8, length: 5 })) {
    const [first] = truths;
    if (first === undefined || truths.length < 3) continue;
    const size = { width: first.width / FACTOR, height: first.height / FACTOR };
    const small = await scaleLuma(truths, size, 'bicubic', { tools });
    const enlarge = await open(first);
    const off = await enlarge(small.slice(1, 4));
    const both: number[] = [];
    for (const radius of RADII) {
      const on = await enlarge((await blendPlanes(small, strength, radius)).slice(1, 4));
      both.push(mean([1, 2, 3].map((i) => psnrAt(truths, on, i, 1) - psnrAt(truths, off, i, 1))));
    }
    changes.push(Math.min(...both));
  }
  return changes;
}

export interface FlickerRow {
  readonly clip: string;
  readonly medium: Medium;
  readonly way: string;
  /** PSNR in dB of the picture, and of the differences between frames. */
  readonly picture: number;
  readonly flicker: number;
}

/** Recordings enlarged in several ways; the frames 4 to 9 of 12 are measured. */
export async function measureFlicker(
  clip: string,
  ways: Readonly<Record<string, (frames: readonly LumaPlane[], size: LumaPlane) => Promise<LumaPlane[]>>>,
): Promise<FlickerRow[]> {
  const rows: FlickerRow[] = [];
  for (const { truths, recorded } of await makeRecordings(clip, { tools, factor: FACTOR })) {
    const [first] = truths;
    if (first === undefined || truths.length < 12) continue;
    for (const medium of MEDIA) {
      for (const [way, enlarge] of Object.entries(ways)) {
        const results = await enlarge(recorded[medium], first);
        const at = [4, 5, 6, 7, 8];
        rows.push({
          ...{ clip: path.basename(clip), medium, way },
          picture: mean(at.map((i) => psnrAt(truths, results, i, 3))),
          flicker: mean(at.map((i) => flickerAt(truths, results, i, 3))),
        });
      }
    }
  }
  return rows;
}

function psnrAt(
  truths: readonly LumaPlane[],
  results: readonly LumaPlane[],
  index: number,
  from = 0,
): number {
  const [truth, result] = [truths[index], results[index - from]];
  if (truth === undefined || result === undefined) throw new Error('no such frame');
  return computeInnerPsnr(truth, result, BORDER);
}

/** PSNR of the difference to the frame before against the truth's difference. */
function flickerAt(
  truths: readonly LumaPlane[],
  results: readonly LumaPlane[],
  index: number,
  from: number,
): number {
  const planes = [truths[index], truths[index - 1], results[index - from], results[index - from - 1]];
  const [truth, truthBefore, result, before] = planes;
  if (truth === undefined || truthBefore === undefined || result === undefined || before === undefined) {
    throw new Error('no such frame');
  }
  let squares = 0;
  let count = 0;
  for (let y = BORDER; y < truth.height - BORDER; y++) {
    for (let i = y * truth.width + BORDER; i < (y + 1) * truth.width - BORDER; i++) {
      const is = (result.samples[i] ?? 0) - (before.samples[i] ?? 0);
      const should = (truth.samples[i] ?? 0) - (truthBefore.samples[i] ?? 0);
      squares += (is - should) ** 2;
      count++;
    }
  }
  return 10 * Math.log10(255 ** 2 / Math.max(squares / count, 1e-6));
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
}

/** Opens `name` for frames that become as large as those asked for. */
export function makeEnlarger(name: string): {
  open: (size: LumaPlane) => Promise<Enlarge>;
  close: () => Promise<void>;
} {
  const models = new Map<string, OpenModel>();
  return {
    open: async ({ width, height }) => {
      if (name === 'lanczos') return (planes) => scaleLuma(planes, { width, height }, 'lanczos', { tools });
      const key = `${width}x${height}`;
      const registry = await loadRegistry({});
      const open =
        models.get(key) ??
        (await openModel(await registry.resolve(name), {
          ...{ width: width / FACTOR, height: height / FACTOR, format: 'gray', factor: FACTOR },
          ...{ device: 'cpu', threads: 1 },
        }));
      models.set(key, open);
      return async (planes) => {
        const results: LumaPlane[] = [];
        for (const plane of planes) results.push(await enlargeLuma(open, plane));
        return results;
      };
    },
    close: async () => {
      for (const { upscaler } of models.values()) await upscaler.close();
    },
  };
}

/** Ways to enlarge frames 3..9 of a recording. */
export function listWays(
  strength: TemporalStrength,
  open: (size: LumaPlane) => Promise<Enlarge>,
): Parameters<typeof measureFlicker>[1] {
  const inner = <T>(frames: readonly T[]): T[] => frames.slice(2, 10);
  const cut = <T>(frames: readonly T[]): T[] => frames.slice(1, -1);
  const filter = (name: string) => async (frames: readonly LumaPlane[], size: LumaPlane) =>
    (await denoise(frames, size, name, { tools })).slice(3, 9);
  return {
    off: async (frames, size) => (await open(size))(cut(inner(frames))),
    before: async (frames, size) => (await open(size))(cut(inner(await blendPlanes(frames, strength)))),
    'before, radius 2': async (frames, size) =>
      (await open(size))(cut(inner(await blendPlanes(frames, strength, 2)))),
    after: async (frames, size) => cut(await blendPlanes(await (await open(size))(inner(frames)), strength)),
    both: async (frames, size) =>
      cut(await blendPlanes(await (await open(size))(inner(await blendPlanes(frames, strength))), strength)),
    'hqdn3d, lanczos': filter('hqdn3d'),
    'atadenoise, lanczos': filter('atadenoise'),
    'tmix, lanczos': filter('tmix=frames=3'),
  };
}
