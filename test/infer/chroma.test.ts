import fc from 'fast-check';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadChromaNetworks } from '../../src/infer/chroma/chroma-model.ts';
import { inspectChroma } from '../../src/infer/chroma/inspect-chroma.ts';
import type { ModelFacts } from '../../src/infer/infer-plan.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { describeFilter, loadRegistry } from '../../src/infer/registry.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';
import { makeNoise } from './tiny-networks.ts';
import { planWishes, upscaleOnce, type Wishes } from './upscaler-fixture.ts';

const models = fileURLToPath(new URL('../../models/', import.meta.url));
const chroma = await loadChromaNetworks({ directories: [models] });
/** Repeats luma's samples, so that only chroma costs time. */
const model = await inspectModel(await placeModel(makeNetwork()));
const triple = await inspectModel(await placeModel(makeNetwork({ scale: 3 })));
const colour = await inspectModel(await placeModel(makeNetwork({ channels: 3 })));

const SITINGS = ['left', 'center', 'topleft'] as const;

function makeSamples(seed: number, bits: number): (plane: number, x: number, y: number) => number {
  const noise = makeNoise(4096, seed);
  return (plane, x, y) =>
    Math.round((2 ** bits - 1) * (0.5 + (noise[(x * 31 + y * 57 + plane * 1013) % 4096] ?? 0)));
}

describe('chroma networks', () => {
  it('are there for each siting, and are what their manifest says', async () => {
    expect(chroma.map(({ siting }) => siting)).toEqual(SITINGS);
    for (const network of chroma) {
      expect(path.dirname(network.path)).toBe(path.join(models, 'chroma'));
      expect(network).toMatchObject(await inspectChroma(network.path));
    }
  });

  it('are no models that a picture could be upscaled with', async () => {
    const warnings: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: (text: string) => warnings.push(text),
    };
    const registry = await loadRegistry({ directories: [models], logger });
    expect(registry.list().map(({ id }) => id)).not.toContain('chroma');
    expect(warnings).toEqual([]);
  });

  it('are none where no folder has any', async () => {
    expect(await loadChromaNetworks({ directories: ['/nowhere'] })).toEqual([]);
  });
});

describe('the choice of a chroma network', () => {
  const base = { model, chroma, format: 'yuv420p', width: 64, height: 48 };
  const choose = (wishes: Partial<Wishes>): [string | null, string | undefined] => {
    const { plan, decisions } = planWishes({ ...base, ...wishes });
    return [plan.chroma?.network.id ?? null, decisions.find(({ topic }) => topic === 'chroma')?.choice];
  };

  it.each(SITINGS)('follows the siting: %s', (location) => {
    expect(choose({ location })).toEqual([`chroma-${location}`, `chroma-${location}`]);
  });

  it('takes left for what is not said, and the filter for other sitings and subsamplings', () => {
    expect(choose({ location: 'unknown' })).toEqual(['chroma-left', 'chroma-left']);
    expect(choose({ location: 'bottom' })).toEqual([null, 'bicubic']);
    for (const format of ['yuv422p', 'yuv444p', 'yuv411p'])
      expect(choose({ format })).toEqual([null, 'bicubic']);
    expect(choose({ chroma: [] })).toEqual([null, 'bicubic']);
  });

  it('needs none for grey, for colour models and for plain filters', () => {
    expect(choose({ format: 'gray' })).toEqual([null, undefined]);
    expect(choose({ model: colour, format: 'gbrp' })).toEqual([null, undefined]);
    expect(choose({ model: describeFilter('lanczos') })).toEqual([null, undefined]);
  });

  it('runs as often as luma is doubled, and once beside what luma is tripled by', () => {
    const count = (wishes: Partial<Wishes>): number | undefined =>
      planWishes({ ...base, ...wishes }).plan.chroma?.passes;
    expect(count({ magnification: 2 })).toBe(1);
    expect(count({ magnification: 4 })).toBe(2);
    expect(count({ model: triple, magnification: 3 })).toBe(1);
  });

  it('doubles along a chain for as long as luma is doubled', () => {
    const chain = (models: readonly ModelFacts[]): [string | null, string | undefined] =>
      choose({ models, magnification: 6 });
    expect(chain([model, model])).toEqual(['chroma-left', 'chroma-left, 2 times']);
    expect(chain([model, triple])).toEqual(['chroma-left', 'chroma-left, 2 times']);
    expect(chain([triple, model])).toEqual(['chroma-left', 'chroma-left']);
  });

  it('is counted in memory, which tiles keep', () => {
    const wishes = { ...base, width: 720, height: 576 };
    const without = planWishes({ ...wishes, chroma: [] }).activationBytes;
    expect(planWishes(wishes).activationBytes).toBeGreaterThan(without);
    const memoryBytes = 40e6;
    const tiled = planWishes({ ...wishes, width: 1920, height: 1080, memoryBytes });
    expect(tiled.plan.tile).not.toBeNull();
    expect(tiled.activationBytes).toBeLessThan(memoryBytes);
  });
});

describe('chroma by network', () => {
  it('gives the same bytes from tiles as from whole frames', async () => {
    const wishes = fc.record({
      width: fc.integer({ min: 1, max: 90 }),
      height: fc.integer({ min: 1, max: 90 }),
      tile: fc.record({ width: fc.integer({ min: 1, max: 140 }), height: fc.integer({ min: 1, max: 140 }) }),
      format: fc.constantFrom('yuv420p', 'yuv420p10le', 'yuv420p16le', 'yuva420p'),
      range: fc.constantFrom('tv', 'pc'),
      location: fc.constantFrom(...SITINGS),
      magnification: fc.constantFrom(2, 3, 4),
      larger: fc.constantFrom([], [triple]),
      outputFormat: fc.constantFrom(undefined, 'yuv422p10le', 'yuv444p'),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(wishes, async ({ tile, seed, outputFormat, ...rest }) => {
        const wanted = {
          model,
          chroma,
          ...rest,
          ...(outputFormat === undefined || rest.format.includes('a') ? {} : { outputFormat }),
        };
        const sampleAt = makeSamples(
          seed,
          /\d\dle/.test(rest.format) ? Number(/p(\d+)le/.exec(rest.format)?.[1]) : 8,
        );
        const whole = await upscaleOnce({ ...wanted, tile: null }, sampleAt);
        expect(await upscaleOnce({ ...wanted, tile }, sampleAt)).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['yuv420p', 'yuv420p', 8, 8],
    ['yuv420p', 'yuv422p10le', 8, 10],
    ['yuv420p10le', 'yuv420p10le', 10, 10],
    ['yuv420p10le', 'yuv420p', 10, 8],
    ['yuv420p12le', 'yuv444p16le', 12, 16],
  ] as const)('keeps grey grey and flat colours flat: %s to %s', async (format, outputFormat, from, to) => {
    const luma = makeSamples(5, from);
    for (const range of ['tv', 'pc'] as const) {
      const depth = (value: number): number =>
        range === 'tv' ? value * 2 ** (to - from) : scaleChroma(value, from, to);
      for (const location of SITINGS) {
        const wishes = {
          model,
          chroma,
          format,
          outputFormat,
          range,
          location,
          width: 37,
          height: 23,
          magnification: 4,
        };
        const middle = 2 ** (from - 1);
        const grey = await upscaleOnce(wishes, (plane, x, y) => (plane === 0 ? luma(plane, x, y) : middle));
        for (const plane of grey.slice(1)) expect(new Set(plane)).toEqual(new Set([2 ** (to - 1)]));
        const [u, v] = [2 ** from * 0.3, 2 ** from * 0.85].map(Math.round) as [number, number];
        const flat = await upscaleOnce(wishes, (plane, x, y) => [luma(plane, x, y), u, v][plane] ?? 0);
        [u, v].forEach((value, i) => {
          for (const sample of flat[i + 1] ?? [])
            expect(Math.abs(sample - depth(value))).toBeLessThanOrEqual(1);
        });
      }
    }
  });

  it.each(SITINGS)('leaves an edge where the filter leaves it: %s', async (location) => {
    const [width, height] = [96, 96];
    for (const axis of ['x', 'y'] as const) {
      const shifts: number[] = [];
      for (let at = 40; at < 44; at += 0.5) {
        const paint = (plane: number, x: number, y: number): number => {
          const place = axis === 'x' ? x : y;
          if (plane === 0) return 60 + 120 * cover(place + 0.5, 1, at);
          const isCosited = axis === 'x' ? location !== 'center' : location === 'topleft';
          const centre = 2 * place + (isCosited ? 0.5 : 1);
          return (plane === 1 ? 90 : 170) + (plane === 1 ? 80 : -70) * cover(centre, 2, at);
        };
        const wishes = { model, format: 'yuv420p', location, width, height };
        const rounded = (plane: number, x: number, y: number): number => Math.round(paint(plane, x, y));
        const plain = await upscaleOnce({ ...wishes, chroma: [] }, rounded);
        const sharp = await upscaleOnce({ ...wishes, chroma }, rounded);
        for (const plane of [1, 2]) {
          const [a, b] = [plain, sharp].map((planes) => locateEdge(planes[plane] ?? [], width, axis));
          shifts.push((b ?? NaN) - (a ?? NaN));
        }
      }
      const mean = shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length;
      expect(Math.abs(mean), `mean shift along ${axis}`).toBeLessThan(0.06);
      for (const shift of shifts) expect(Math.abs(shift)).toBeLessThan(0.25);
    }
  });
});

/** Full-range chroma of one depth as that of another: the middle stays the middle (H.273, 8.3). */
function scaleChroma(value: number, from: number, to: number): number {
  return 2 ** (to - 1) + ((value - 2 ** (from - 1)) * (2 ** to - 1)) / (2 ** from - 1);
}

/** How much of a cell of `width` around `centre` lies beyond the edge at `at`. */
function cover(centre: number, width: number, at: number): number {
  return Math.min(1, Math.max(0, (centre + width / 2 - at) / width));
}

/** Where the step in the middle of a square plane lies along `axis`, in samples: the area before it. */
function locateEdge(plane: ArrayLike<number>, side: number, axis: 'x' | 'y'): number {
  const middle = Math.floor(side / 2);
  const line = Array.from(
    { length: side },
    (_, i) => plane[axis === 'x' ? middle * side + i : i * side + middle] ?? 0,
  );
  const [first = 0, last = 0] = [line[8], line[side - 9]];
  return line.slice(8, -8).reduce((sum, value) => sum + (last - value) / (last - first), 0);
}
