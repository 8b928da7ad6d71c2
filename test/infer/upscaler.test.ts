import fc from 'fast-check';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { describeFilter } from '../../src/infer/registry.ts';
import { openUpscaler } from '../../src/infer/upscaler.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { makeNetwork, placeModel, type NetworkTraits } from './graph-fixture.ts';
import { makePlan, upscaleOnce } from './upscaler-fixture.ts';

const inspect = async (traits: NetworkTraits) => inspectModel(await placeModel(makeNetwork(traits)));
/** Repeats every sample, so results are known exactly. */
const repeat = await inspect({});
const repeatColors = await inspect({ channels: 3 });
const blur = await inspect({ kernel: 7 });

/** Samples that differ from plane to plane and fill `bits`. */
const noise =
  (bits: number) =>
  (plane: number, x: number, y: number): number =>
    (x * 7919 + y * 104729 + x * y * 31 + plane * 1299709) % 2 ** bits;

describe('Upscaler', () => {
  it.each([
    [8, 8, 'tv'],
    [8, 10, 'tv'],
    [10, 10, 'tv'],
    [12, 16, 'tv'],
    [16, 16, 'tv'],
    [8, 10, 'pc'],
    [8, 16, 'pc'],
    [10, 12, 'pc'],
    [16, 8, 'pc'],
  ] as const)('carries %i bits to %i bits (%s) without loss', async (from, to, range) => {
    const name = (bits: number): string => (bits === 8 ? 'gray' : `gray${bits}le`);
    const sample = noise(from);
    const [plane] = await upscaleOnce(
      { model: repeat, format: name(from), outputFormat: name(to), width: 33, height: 17, range },
      sample,
    );
    const gain = range === 'pc' ? (2 ** to - 1) / (2 ** from - 1) : 2 ** (to - from);
    const wrong = (plane ?? []).filter((value, at) => {
      const exact = sample(0, (at % 66) >> 1, Math.floor(at / 66) >> 1) * gain;
      return Math.abs(value - exact) > 0.505;
    });
    expect(wrong).toHaveLength(0);
  });

  it('keeps G, B, R and alpha in their places, whatever the channels of the network', async () => {
    const four = await inspect({ channels: 4 });
    const wide = await inspect({ channels: 3, layout: 'NHWC' });
    const half = await inspect({ channels: 3, isHalf: true });
    for (const model of [repeat, repeatColors, four, wide, half]) {
      for (const format of ['gbrp', 'gbrap']) {
        const planes = await upscaleOnce(
          { model, format, width: 8, height: 6, range: 'pc' },
          (plane) => 40 + plane * 50,
        );
        planes.forEach((plane, i) =>
          expect(new Set(plane), `${model.id} ${format}`).toEqual(new Set([40 + i * 50])),
        );
      }
    }
  });

  it('gives the same bytes from tiles as from whole frames, at any size', async () => {
    const side = fc.integer({ min: 1, max: 90 });
    await fc.assert(
      fc.asyncProperty(side, side, side, side, fc.constantFrom(8, 10), async (width, height, w, h, bits) => {
        const format = bits === 8 ? 'yuv420p' : 'yuv420p10le';
        const wishes = { model: blur, format, width, height };
        const whole = await upscaleOnce(wishes, noise(bits));
        expect(await upscaleOnce({ ...wishes, tile: { width: w, height: h } }, noise(bits))).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  });

  it('tiles a graph of fixed size over larger frames, and fills up smaller ones', async () => {
    const fixed = await inspect({ kernel: 3, declared: [1, 40, 48] });
    const free = await inspect({ kernel: 3 });
    for (const [width, height] of [
      [48, 40],
      [104, 80],
    ] as const) {
      const wishes = { format: 'gray', width, height };
      expect(await upscaleOnce({ ...wishes, model: fixed }, noise(8))).toEqual(
        await upscaleOnce({ ...wishes, model: free }, noise(8)),
      );
    }
    const plain = await inspect({ declared: [1, 40, 48] });
    const [small] = await upscaleOnce({ model: plain, format: 'gray', width: 9, height: 5 }, () => 77);
    expect(small).toEqual(new Uint8Array(18 * 10).fill(77));
  });

  it('chains passes, then fits the size', async () => {
    const wishes = { model: repeat, format: 'yuv420p', outputFormat: 'yuv422p10le', width: 15, height: 11 };
    const planes = await upscaleOnce(
      { ...wishes, magnification: 3, outputWidth: 45, outputHeight: 33 },
      (plane) => 60 + plane,
    );
    expect(planes.map((plane) => [plane.length, new Set(plane)])).toEqual([
      [45 * 33, new Set([240])],
      [23 * 33, new Set([244])],
      [23 * 33, new Set([248])],
    ]);
  });

  it('runs plain filters without a network', async () => {
    const planes = await upscaleOnce(
      { model: describeFilter('nearest'), format: 'yuv444p', width: 7, height: 5 },
      noise(8),
    );
    planes.forEach((plane, i) => {
      plane.forEach((value, at) => expect(value).toBe(noise(8)(i, (at % 14) >> 1, Math.floor(at / 14) >> 1)));
    });
  });

  it('stops when told, and gives back all memory', async () => {
    const plan = makePlan({ model: repeat, format: 'gray', width: 8, height: 8 });
    const arena = new Arena(1 << 20);
    const upscaler = await openUpscaler(plan, { arena });
    const format = pixelFormat('gray');
    const before = arena.usedBytes;
    const frame = arena.allocateFrame(format, 8, 8, 0);
    await expect(upscaler.upscale(frame, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
    expect(arena.usedBytes).toBe(before);
    await upscaler.close();
  });

  it('refuses a device that is not there, and a model that changed', async () => {
    const plan = makePlan({ model: repeat, format: 'gray', width: 8, height: 8 });
    const arena = new Arena(1 << 20);
    await expect(openUpscaler({ ...plan, device: 'directml' }, { arena })).rejects.toMatchObject(
      process.platform === 'win32' ? {} : { code: 'DEVICE_UNAVAILABLE' },
    );
    const changed = { ...plan, passes: plan.passes.map((pass) => ({ ...pass, sha256: '0'.repeat(64) })) };
    await expect(openUpscaler(changed, { arena })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    expect(arena.usedBytes).toBe(0);
  });
});
