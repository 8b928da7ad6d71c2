import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { writeOnnx } from '../../src/infer/graph/onnx-model.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';

describe('inspectModel', () => {
  it.each([1, 3, 4])('finds %i channels, scale, grid and reach', async (channels) => {
    const facts = await inspectModel(await placeModel(makeNetwork({ channels, kernel: 5 })));
    expect(facts).toMatchObject({
      channels,
      scale: 2,
      layout: 'NCHW',
      elementType: 'float32',
      range: 1,
      multiple: 1,
      receptiveRadius: 2,
      fixedWidth: null,
    });
    expect(facts.flopsPerSample).toBeGreaterThan(2 * 25 * channels * channels);
  });

  it('tells channels that the graph leaves open by trying them', async () => {
    const model = makeNetwork({ channels: 1, declared: ['c', 'h', 'w'] });
    expect(await inspectModel(await placeModel(model))).toMatchObject({ channels: 1, layout: 'NCHW' });
  });

  it('reads NHWC, halves, other scales and fixed sizes', async () => {
    expect(await inspectModel(await placeModel(makeNetwork({ channels: 3, layout: 'NHWC' })))).toMatchObject({
      layout: 'NHWC',
      channels: 3,
    });
    expect(await inspectModel(await placeModel(makeNetwork({ isHalf: true, scale: 4 })))).toMatchObject({
      elementType: 'float16',
      scale: 4,
    });
    const fixed = makeNetwork({ channels: 3, declared: [3, 24, 32] });
    expect(await inspectModel(await placeModel(fixed))).toMatchObject({ fixedHeight: 24, fixedWidth: 32 });
  });

  it('tells 0..255 from 0..1 by what comes out', async () => {
    const shifted = makeNetwork({ ceiling: 255 });
    // A network of 0..255 that adds half of a small picture's whole range.
    shifted.graph.node.splice(1, 0, {
      opType: 'Add',
      input: ['v0', 'two'],
      output: ['shifted'],
      attribute: [],
    });
    const relu = shifted.graph.node[2];
    if (relu !== undefined) relu.input[0] = 'shifted';
    shifted.graph.initializer.push({ ...onesLike(shifted.graph.initializer[0]), name: 'two', dims: [] });
    expect(await inspectModel(await placeModel(shifted))).toMatchObject({ range: 255 });
    expect(await inspectModel(await placeModel(makeNetwork({ ceiling: 1 })))).toMatchObject({ range: 1 });
  });

  it.each([
    ['a picture of the same size', makeNetwork({ scale: 1 }), /same size/],
    ['21 channels', makeNetwork({ channels: 21 }), /21 channels \(7 frames at a time/],
    ['other channels at the output', makeNetwork({ channels: 3, outputChannels: 1 }), /gives 1/],
  ])('refuses %s', async (_what, model, reason) => {
    await expect(inspectModel(await placeModel(model))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(reason) as string,
    });
  });

  it('refuses damage of any kind with MODEL_INVALID', async () => {
    const whole = writeOnnx(makeNetwork({ kernel: 3 }));
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(whole.length - 1).map((length) => whole.slice(0, length)),
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const copy = whole.slice();
        copy[at] = (copy[at] ?? 0) ^ by;
        return copy;
      }),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        // A flipped bit may leave a model that still works.
        const outcome = await inspectModel(await placeModel(bytes, 'damaged')).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'MODEL_INVALID' });
        else expect(outcome).toMatchObject({ kind: 'network' });
      }),
      { numRuns: 120 },
    );
  });

  it('refuses weights that lie outside of the model folder', async () => {
    const model = makeNetwork();
    const [weight] = model.graph.initializer;
    if (weight !== undefined) {
      delete weight.rawData;
      weight.dataLocation = 1;
      weight.externalData = [{ key: 'location', value: '../../etc/passwd' }];
    }
    await expect(inspectModel(await placeModel(model))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('outside') as string,
    });
  });
});

describe('the models that Upreel brings', () => {
  it('have manifests that say what the files do', async () => {
    const registry = await loadRegistry({
      directories: [new URL('../../models/', import.meta.url).pathname],
    });
    expect(registry.default.id).toBe('balanced');
    for (const { facts, larger } of registry.list()) {
      for (const { int8, ...own } of [facts, ...larger]) {
        const found = await inspectModel(own.path ?? '');
        expect(own).toEqual({ ...found, id: own.id });
        if (int8 === undefined) continue;
        // How far it sees cannot be told of rounded values, and is as far.
        const { scale, channels, layout, inputName, outputName, elementType, range, multiple } = own;
        expect(await inspectModel(int8.path)).toMatchObject({
          ...{ scale, channels, layout, inputName, outputName, elementType, range, multiple },
          sha256: int8.sha256,
        });
      }
      expect(await readFile(new URL(`../../models/${facts.id}/CARD.md`, import.meta.url), 'utf8')).toContain(
        facts.id,
      );
    }
  });
});

function onesLike<T extends { rawData?: Uint8Array } | undefined>(tensor: T): NonNullable<T> {
  return { ...(tensor as NonNullable<T>), rawData: new Uint8Array(Float32Array.of(2).buffer) };
}
