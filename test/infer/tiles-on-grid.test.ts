import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelFacts } from '../../src/infer/infer-plan.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { placeModel } from './graph-fixture.ts';
import {
  makeDeepNetwork,
  makeGlobalNetwork,
  makeNoise,
  makePlainNetwork,
  makeResizedNetwork,
  makeSelfPaddingNetwork,
  makeStridedNetwork,
  makeTransposedNetwork,
  makeUnshuffledNetwork,
  writeNetwork,
  type TinyNetwork,
} from './tiny-networks.ts';
import { upscaleOnce } from './upscaler-fixture.ts';

async function inspect(network: TinyNetwork): Promise<ModelFacts> {
  return inspectModel(await placeModel(writeNetwork(network)));
}

const NETWORKS = [
  { name: 'plain', network: makePlainNetwork(), multiple: 1, radius: 1 },
  { name: 'deep and dilated', network: makeDeepNetwork(), multiple: 1, radius: 4 },
  { name: 'strided', network: makeStridedNetwork(), multiple: 2, radius: 2 },
  { name: 'unshuffled', network: makeUnshuffledNetwork(), multiple: 4, radius: 4 },
  { name: 'transposed', network: makeTransposedNetwork(), multiple: 1, radius: 2 },
  { name: 'resized', network: makeResizedNetwork(), multiple: 1, radius: 1 },
  { name: 'padding itself to even sizes', network: makeSelfPaddingNetwork(), multiple: 2, radius: 2 },
];

describe('tiles of networks of all shapes', () => {
  it.each(NETWORKS)('stand where they must: $name', async ({ network, multiple, radius }) => {
    const facts = await inspect(network);
    expect({ multiple: facts.multiple, radius: facts.receptiveRadius }).toEqual({ multiple, radius });

    const shape = fc.record({
      width: fc.integer({ min: 5, max: 90 }),
      height: fc.integer({ min: 5, max: 70 }),
      tile: fc.record({ width: fc.integer({ min: 1, max: 80 }), height: fc.integer({ min: 1, max: 80 }) }),
      format: fc.constantFrom('gray', 'gray10le', 'gray16le'),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ width, height, tile, format, seed }) => {
        const white = format === 'gray' ? 255 : format === 'gray10le' ? 1023 : 65535;
        const noise = makeNoise(width * height, seed);
        const sampleAt = (_: number, x: number, y: number): number =>
          Math.round(white * (0.5 + (noise[y * width + x] ?? 0)));
        const wishes = { model: facts, format, width, height };
        const whole = await upscaleOnce({ ...wishes, tile: null }, sampleAt);
        const tiled = await upscaleOnce({ ...wishes, tile }, sampleAt);
        expect(tiled).toEqual(whole);
      }),
      { numRuns: 12 },
    );
  });

  it.each(['GlobalAveragePool', 'ReduceMean', 'ReduceMax'] as const)(
    'cannot be exact where the whole picture has a say: %s',
    async (operation) => {
      expect((await inspect(makeGlobalNetwork(operation))).receptiveRadius).toBeNull();
    },
  );
});

describe('operator sets', () => {
  it.each([7, 9, 10, 11, 13, 17, 21])('%i runs, with the bytes of the others', async (opset) => {
    const sampleAt = (_: number, x: number, y: number): number => (x * 37 + y * 101) % 256;
    const run = async (version: number): Promise<unknown> => {
      const model = await inspect(makePlainNetwork(1, version));
      return upscaleOnce({ model, format: 'gray', width: 31, height: 17 }, sampleAt);
    };
    expect(await run(opset)).toEqual(await run(17));
  });
});
