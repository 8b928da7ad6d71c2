import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { listTiles, planInfer } from '../../src/infer/plan-infer.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { resolveModels } from '../../src/infer/resolve-models.ts';
import { makeNetwork, placeModel, type NetworkTraits } from './graph-fixture.ts';
import { makePlan, planWishes, upscaleOnce } from './upscaler-fixture.ts';

const inspect = async (traits: NetworkTraits) => inspectModel(await placeModel(makeNetwork(traits)));
const twice = await inspect({});
const thrice = await inspect({ scale: 3, kernel: 3 });
const fourfold = await inspect({ scale: 4, kernel: 3 });
const colors = await inspect({ channels: 3 });
const withAlpha = await inspect({ channels: 4 });

const noise = (plane: number, x: number, y: number): number =>
  (x * 7919 + y * 104729 + x * y * 31 + plane * 1299709) % 256;

describe('a chain of models', () => {
  it('runs all of them in order, and the filter does the rest', async () => {
    const wishes = { model: twice, models: [twice, thrice], format: 'gray', width: 20, height: 14 };
    expect(makePlan({ ...wishes, magnification: 6 }).passes).toEqual([twice, thrice]);
    expect(makePlan({ ...wishes, magnification: 2 }).passes).toEqual([twice, thrice]);
    const [chained] = await upscaleOnce({ ...wishes, magnification: 6 }, noise);
    const [between] = await upscaleOnce({ ...wishes, models: [twice], magnification: 2 }, noise);
    const [stepped] = await upscaleOnce(
      { ...wishes, models: [thrice], width: 40, height: 28, magnification: 3 },
      (_, x, y) => between?.[y * 40 + x] ?? 0,
    );
    expect(chained).toEqual(stepped);
    const [larger] = await upscaleOnce({ ...wishes, models: [twice, twice], magnification: 8 }, () => 90);
    expect([larger?.length, new Set(larger)]).toEqual([20 * 14 * 64, new Set([90])]);
  });

  it.each([
    ['luma, then RGB', [twice, colors]],
    ['RGB, then luma', [colors, twice]],
    ['RGB, then RGBA', [colors, withAlpha]],
    ['luma, then RGBA', [twice, withAlpha]],
  ])('takes models of unlike channels: %s', async (_, models) => {
    for (const format of ['gbrp', 'gbrap', 'gbrp10le']) {
      const bits = format.endsWith('10le') ? 4 : 1;
      const planes = await upscaleOnce(
        { model: twice, models, format, width: 9, height: 7, magnification: 4, range: 'pc' },
        (plane, x, y) => bits * noise(plane, x, y),
      );
      planes.slice(0, 3).forEach((plane, p) => {
        const wrong = plane.filter(
          (value, at) => value !== bits * noise(p, (at % 36) >> 2, Math.floor(at / 36) >> 2),
        );
        expect(wrong, `${format}, plane ${p}`).toHaveLength(0);
      });
    }
  });

  it('gives the same bytes from tiles', async () => {
    for (const models of [
      [thrice, twice],
      [colors, thrice],
    ]) {
      const wishes = { model: twice, models, width: 61, height: 47, magnification: 6 };
      const format = models[0]?.channels === 3 ? 'gbrp' : 'gray';
      const whole = await upscaleOnce({ ...wishes, format }, noise);
      const tile = { width: 40, height: 36 };
      expect(listTiles({ ...makePlan({ ...wishes, format }), tile })[1]).not.toMatchObject({ width: 183 });
      expect(await upscaleOnce({ ...wishes, format, tile }, noise)).toEqual(whole);
    }
  });

  it('of one model is of those of its scales that are the least work', async () => {
    const [model, ...larger] = [twice, thrice, fourfold].map((facts) => ({ ...facts, flopsPerSample: 1 }));
    const wishes = { model: model ?? twice, larger, format: 'gray', width: 20, height: 14 };
    const scalesFor = (magnification: number): number[] =>
      makePlan({ ...wishes, magnification }).passes.map(({ scale }) => scale);
    expect([1.5, 2, 2.04].map(scalesFor)).toEqual([[2], [2], [2]]);
    expect([2.1, 3].map(scalesFor)).toEqual([[3], [3]]);
    expect([3.75, 4].map(scalesFor)).toEqual([[4], [4]]);
    // NTSC to 4K: the rest is not worth another pass.
    expect([4.5, 4.7, 9, 18].map(scalesFor)).toEqual([[4], [2, 3], [3, 3], [4, 4]]);
    const alone = (magnification: number): number =>
      makePlan({ ...wishes, larger: [], magnification }).passes.length;
    expect([2.25, 2.4, 4.5, 5].map(alone)).toEqual([1, 2, 2, 3]);
    // The first pass has the fewest samples to work on, so it is the one that enlarges least.
    expect([5, 7.5, 9, 16].map(scalesFor)).toEqual([
      [2, 3],
      [2, 4],
      [3, 3],
      [4, 4],
    ]);
    expect(scalesFor(1000)).toEqual([4, 4, 4, 4]);
    expect(planWishes({ ...wishes, magnification: 3.75 }).decisions[0]).toMatchObject({
      choice: fourfold.id,
      reason: 'enlarges 4 times, for a picture 3.75 times as large',
    });
    expect(planWishes({ ...wishes, magnification: 7.5 }).decisions[0]).toMatchObject({
      choice: `${twice.id} + ${fourfold.id}`,
    });
    const [plane] = await upscaleOnce({ ...wishes, magnification: 4 }, noise);
    const [same] = await upscaleOnce({ ...wishes, larger: [], model: fourfold, magnification: 4 }, noise);
    expect(plane).toEqual(same);
  });

  it('is planned within the memory that it may have', () => {
    const input = { width: 1920, height: 1080 };
    const model = { ...thrice, bytesPerSample: 4000 };
    const color = makePlan({ model, format: 'gray', width: 8, height: 8 }).input.color;
    const memoryBytes = 300e6;
    const planned = planInfer({
      models: [twice, model],
      chroma: [],
      magnification: 6,
      input: { ...input, format: 'gray', color },
      output: { format: 'gray', width: 11520, height: 6480, chromaLocation: 'left' },
      device: 'cpu',
      threads: 1,
      memoryBytes,
    });
    expect(planned.activationBytes).toBeLessThanOrEqual(memoryBytes);
    expect(planned.decisions[0]).toMatchObject({ topic: 'model', choice: `${twice.id} + ${model.id}` });
  });

  it('is written with a plus, of names and paths', async () => {
    const file = await placeModel(makeNetwork({ scale: 3 }), 'a+b');
    const registry = await loadRegistry();
    const chain = await resolveModels(registry, `realtime + realtime`);
    expect(chain.models.map(({ id }) => id)).toEqual(['realtime', 'realtime']);
    expect(chain.larger).toEqual([]);
    const balanced = await resolveModels(registry, 'balanced');
    expect(balanced.larger.map(({ id, scale }) => [id, scale])).toEqual([
      ['balanced-x3', 3],
      ['balanced-x4', 4],
    ]);
    expect((await resolveModels(registry, 'balanced-x4')).models).toEqual(balanced.larger.slice(1));
    // A file may have any name.
    expect((await resolveModels(registry, file)).models).toMatchObject([{ scale: 3, path: file }]);
  });
});
