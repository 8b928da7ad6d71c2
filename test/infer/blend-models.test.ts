import { readFile, rm, truncate } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { mkdtempSync } from 'node:fs';
import process from 'node:process';
import { afterAll, describe, expect, it } from 'vitest';
import { makeNode, makeValueInfo, ONNX_TYPE, type OnnxModel } from '../../src/infer/graph/onnx-model.ts';
import { makeFloats, readFloats } from '../../src/infer/graph/tensor-values.ts';
import type { ModelFacts } from '../../src/infer/infer-plan.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { parseModel, readModelFile } from '../../src/infer/read-model.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { resolveModels } from '../../src/infer/resolve-models.ts';
import { makeNetwork, placeModel, type NetworkTraits } from './graph-fixture.ts';
import { makeNoise } from './tiny-networks.ts';
import { upscaleOnce } from './upscaler-fixture.ts';

const cache = mkdtempSync(path.join(os.tmpdir(), 'upreel-cache-'));
process.env['XDG_CACHE_HOME'] = cache;
afterAll(async () => {
  await rm(cache, { recursive: true, force: true });
});

const registry = await loadRegistry();
const noise = (plane: number, x: number, y: number): number =>
  ((x * 7919 + y * 104729 + plane * 31) % 200) + 20;

/** A repeating network that makes everything `gain` times as bright. */
function brighten(gain: number, traits: NetworkTraits = {}): OnnxModel {
  const model = makeNetwork(traits);
  for (const tensor of model.graph.initializer) {
    const values = tensor.name === 'w1' ? readFloats(tensor) : null;
    if (values !== null) tensor.rawData = new Uint8Array(values.map((value) => value * gain).buffer);
  }
  return model;
}

async function resolve(text: string): Promise<{ model: ModelFacts; reason: string }> {
  const { models, decisions } = await resolveModels(registry, text);
  const [model] = models;
  if (model === undefined || models.length > 1) throw new Error(`${text} is no single model.`);
  return { model, reason: decisions[0]?.reason ?? '' };
}

/** What each sample of a flat grey picture of code value 100 becomes. */
async function measureGain(model: ModelFacts): Promise<number> {
  const format = model.channels === 1 ? 'gray' : 'gbrp';
  const [plane] = await upscaleOnce({ model, format, width: 24, height: 24, range: 'pc' }, () => 100);
  return (plane?.[24 * 48 + 24] ?? 0) / 100;
}

/** Two convolutions with a bend between, its inner channels in another order where `turned`: the same function, other weights. */
function makeBent(turned: boolean): OnnxModel {
  const inner = 8;
  const order = Array.from({ length: inner }, (_, i) => (turned ? inner - 1 - i : i));
  const first = makeNoise(inner * 9, 3).map((value) => value * 2);
  const last = makeNoise(4 * inner, 5);
  const pick = (values: Float32Array, size: number, outer: number): Float32Array =>
    Float32Array.from({ length: values.length }, (_, i) => {
      const row = Math.floor(i / (inner * size)) * inner * size;
      const channel = order[Math.floor((i - row) / size) % inner] ?? 0;
      return values[(outer === 0 ? 0 : row) + channel * size + (i % size)] ?? 0;
    });
  return {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'bent',
      node: [
        makeNode('Conv', ['x', 'w1'], ['a'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
        makeNode('Relu', ['a'], ['b']),
        makeNode('Conv', ['b', 'w2'], ['c'], { kernel_shape: [1, 1] }),
        makeNode('DepthToSpace', ['c'], ['y'], { blocksize: 2 }),
      ],
      initializer: [
        makeFloats('w1', [inner, 1, 3, 3], pick(first, 9, 0)),
        makeFloats('w2', [4, inner, 1, 1], pick(last, 1, 1)),
      ],
      input: [makeValueInfo('x', ONNX_TYPE.float, [1, 1, 'h', 'w'])],
      output: [makeValueInfo('y', ONNX_TYPE.float, [1, 1, 'H', 'W'])],
      valueInfo: [],
    },
  };
}

describe('an average of models', () => {
  it('mixes the weights of networks that are built alike, whatever their values are called', async () => {
    const dim = await placeModel(brighten(0.5, { kernel: 3 }));
    const other = brighten(1.5, { kernel: 3 });
    for (const node of other.graph.node) {
      node.input = node.input.map((name) => (name === 'x' ? name : `${name}_`));
      node.output = node.output.map((name) => (name === 'y' ? name : `${name}_`));
    }
    for (const tensor of other.graph.initializer) tensor.name += '_';
    const bright = await placeModel(other);
    const { model, reason } = await resolve(`${dim}:0.75,${bright}:0.25`);
    expect(reason).toMatch(/weights are averaged/);
    expect(await measureGain(model)).toBeCloseTo(0.75, 2);
    const { graph } = await parseModel(await readModelFile(model.path ?? ''));
    expect(graph.node).toHaveLength(other.graph.node.length);
    expect(model).toEqual({ ...(await inspectModel(model.path ?? '')), id: model.id });
  });

  it('of one model alone is that model', async () => {
    const [own] = registry.list();
    const { model, reason } = await resolve(`${own?.id ?? ''}:1,${own?.id ?? ''}:2`);
    expect(reason).toMatch(/weights are averaged/);
    const wishes = { format: 'gray', width: 40, height: 32 };
    const expected = await upscaleOnce({ ...wishes, model: own?.facts ?? model }, noise);
    expect(await upscaleOnce({ ...wishes, model }, noise)).toEqual(expected);
  });

  it('averages results where the networks are built differently, and says where', async () => {
    const plain = await placeModel(brighten(0.5));
    const unlike = [
      [brighten(1.5, { ceiling: 3 }), /operators, the other/],
      [brighten(1.5, { kernel: 5 }), /operator 1 \(Conv\) has another/],
      [brighten(1.5, { layout: 'NHWC' }), /layout is NCHW and NHWC/],
      [brighten(1.5, { isHalf: true }), /elementType is float32 and float16/],
      [brighten(1.5, { opset: 13 }), /operator set/],
      [brighten(1.5, { declared: [1, 24, 24] }), null],
    ] as const;
    for (const [model, where] of unlike) {
      const file = await placeModel(model);
      const blended = await resolve(`${plain}:1,${file}:3`);
      if (where !== null) {
        expect(blended.reason).toMatch(/results are averaged/);
        expect(blended.reason).toMatch(where);
      }
      expect(await measureGain(blended.model)).toBeCloseTo(1.25, 2);
    }
  });

  it('averages results where mixed weights would give anything', async () => {
    const [straight, turned] = await Promise.all([false, true].map((turn) => placeModel(makeBent(turn))));
    const { model, reason } = await resolve(`${straight ?? ''},${turned ?? ''}`);
    expect(reason).toMatch(/not trained from one another.*%/);
    const wishes = { format: 'gray', width: 30, height: 20 };
    const own = await upscaleOnce({ ...wishes, model: await inspectModel(straight ?? '') }, noise);
    const [mean] = await upscaleOnce({ ...wishes, model }, noise);
    const far = mean?.filter((value, i) => Math.abs(value - (own[0]?.[i] ?? -9)) > 1);
    expect(far).toHaveLength(0);
  });

  it('joins sizes, grids and reaches of unlike networks', async () => {
    const near = await placeModel(brighten(1, { kernel: 3 }));
    const far = await placeModel(brighten(1, { kernel: 9, declared: [1, 40, 48] }));
    const { model } = await resolve(`${near},${far}`);
    expect(model).toMatchObject({ receptiveRadius: 4, fixedHeight: 40, fixedWidth: 48, range: 1 });
  });

  it.each([
    ['scales', { scale: 3 }],
    ['channels', { channels: 3 }],
  ])('is refused where %s differ', async (word, traits) => {
    const [a, b] = [await placeModel(makeNetwork()), await placeModel(makeNetwork(traits))];
    await expect(resolve(`${a},${b}`)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(word) as string,
    });
  });

  it('refuses filters and names that are unknown', async () => {
    await expect(resolve('realtime,lanczos')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(resolve('realtime+lanczos')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(resolve('realtime,b3x')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('is made once, and again with the same bytes where its file was damaged or removed', async () => {
    const [a, b] = [await placeModel(brighten(0.5)), await placeModel(brighten(1))];
    const first = await resolve(`${a},${b}`);
    const file = first.model.path ?? '';
    const bytes = await readFile(file);
    expect(await resolve(`${a},${b}`)).toEqual(first);
    await truncate(file, 100);
    expect(await resolve(`${a},${b}`)).toEqual(first);
    expect(await readFile(file)).toEqual(bytes);
    await rm(file);
    expect(await resolve(`${a},${b}`)).toEqual(first);
    expect(await readFile(file)).toEqual(bytes);
    expect((await resolve(`${a}:2,${b}:1`)).model.sha256).not.toBe(first.model.sha256);
  });
});
