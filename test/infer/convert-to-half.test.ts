import fc from 'fast-check';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { choosePrecision } from '../../src/infer/choose-precision.ts';
import { tryDevice } from '../../src/infer/devices.ts';
import { convertToHalf } from '../../src/infer/graph/convert-to-half.ts';
import { fromHalves, toHalves } from '../../src/infer/graph/half-floats.ts';
import { makeFloatEnds, PROBE_INPUT, PROBE_OUTPUT } from '../../src/infer/graph/float-ends.ts';
import {
  makeNode,
  makeValueInfo,
  ONNX_TYPE,
  writeOnnx,
  type OnnxModel,
} from '../../src/infer/graph/onnx-model.ts';
import { makeFloats, makeIntegers } from '../../src/infer/graph/tensor-values.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { measurePrecision } from '../../src/infer/measure-precision.ts';
import { readEnds } from '../../src/infer/model-ends.ts';
import { openSession } from '../../src/infer/onnxruntime.ts';
import { parseModel, readModelFile } from '../../src/infer/read-model.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';
import { makeNoise } from './tiny-networks.ts';
import { makePlan } from './upscaler-fixture.ts';

/** A Vulkan driver without a GPU, which comes with Chromium. Read when the first WebGPU session opens. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const hasDriver = existsSync(DRIVER);
if (hasDriver) process.env['VK_DRIVER_FILES'] = DRIVER;
else console.warn(`WebGPU tests are skipped: ${DRIVER} is missing (Debian: apt-get install chromium).`);

const [width, height] = [40, 24];
const picture = makeNoise(width * height, 9).map((value, i) => 0.5 + 0.3 * Math.sin(i / 9) + 0.2 * value);

/** What the CPU makes of the picture. It takes halves as weights but computes in float32, so only their rounding shows here. */
async function evaluate(model: OnnxModel): Promise<Float32Array> {
  const bytes = writeOnnx(makeFloatEnds(model, readEnds(model, 'net')));
  const session = await openSession(bytes, { device: 'cpu', threads: 1, keepGraph: true });
  try {
    const results = await session.evaluate({ [PROBE_INPUT]: { data: picture, dims: [1, 1, height, width] } });
    const data = results.get(PROBE_OUTPUT)?.data;
    if (!(data instanceof Float32Array)) throw new Error('The network gave no picture.');
    return data;
  } finally {
    await session.close();
  }
}

function worst(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}

const FLOAT = { elementType: 'float32' } as const;
const typesOf = (model: OnnxModel): (number | undefined)[] =>
  model.graph.initializer.map(({ dataType }) => dataType);

describe('halves', () => {
  it('are rounded to the nearest, and come back as they were', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        const [back = NaN] = fromHalves(toHalves(Float32Array.of(value)));
        if (Math.abs(value) >= 65520) expect(back).toBe(Math.sign(value) * Infinity);
        else
          expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(value) * 2 ** -11));
      }),
    );
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7fff) <= 0x7c00);
    expect(toHalves(fromHalves(all))).toEqual(all);
    expect(fromHalves(toHalves(Float32Array.of(NaN)))[0]).toBeNaN();
    // Ties go to the even neighbour.
    expect([...toHalves(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25))]).toEqual([
      0x3c00, 0x3c02, 0,
    ]);
  });
});

describe('convertToHalf', () => {
  it('changes a network within and not at its ends', async () => {
    const registry = await loadRegistry({
      directories: [new URL('../../models/', import.meta.url).pathname],
    });
    for (const { facts } of registry.list().filter(({ facts }) => facts.channels === 1)) {
      const file = await readModelFile(facts.path ?? '');
      const [full, half] = [await parseModel(file), await parseModel(file)];
      const weights = typesOf(full).filter((type) => type === ONNX_TYPE.float).length;
      expect(convertToHalf(half, facts)).toBe(true);
      expect(typesOf(half).filter((type) => type === ONNX_TYPE.float16)).toHaveLength(weights);
      expect(readEnds(half, 'net')).toEqual(readEnds(full, 'net'));
      const difference = worst(await evaluate(half), await evaluate(full));
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(1 / 255);
    }
  });

  it('leaves in float32 what is sensitive, and what has weights beyond the range of halves', async () => {
    const make = (weight: number): OnnxModel => ({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: 'mixed',
        node: [
          makeNode('Mul', ['x', 'large'], ['a']),
          makeNode('Mul', ['a', 'small'], ['b']),
          makeNode('Exp', ['b'], ['c']),
          makeNode('Shape', ['c'], ['shape']),
          makeNode('Reshape', ['c', 'shape'], ['d']),
          makeNode('Concat', ['d', 'd', 'd', 'd'], ['e'], { axis: 1 }),
          makeNode('Relu', ['e'], ['f']),
          makeNode('DepthToSpace', ['f'], ['y'], { blocksize: 2 }),
        ],
        initializer: [
          makeFloats('large', [], [weight]),
          makeFloats('small', [], [1 / weight]),
          makeIntegers('unread', [1], [2]),
        ],
        input: [makeValueInfo('x', ONNX_TYPE.float, [1, 1, 'h', 'w'])],
        output: [makeValueInfo('y', ONNX_TYPE.float, [1, 1, 'H', 'W'])],
        valueInfo: [],
      },
    });
    for (const weight of [2, 1e5]) {
      const model = make(weight);
      expect(convertToHalf(model, FLOAT)).toBe(true);
      expect(typesOf(model)).toEqual(
        weight > 65504 ? [ONNX_TYPE.float, ONNX_TYPE.float16] : [ONNX_TYPE.float16, ONNX_TYPE.float16],
      );
      expect(worst(await evaluate(model), await evaluate(make(weight)))).toBeLessThan(0.02);
    }
  });

  it('keeps its hands off what it does not know', () => {
    const untouched = (
      change: (model: OnnxModel) => void,
      elementType: 'float32' | 'float16' = 'float32',
    ) => {
      const model = makeNetwork({ kernel: 3 });
      change(model);
      const before = writeOnnx(model).slice();
      expect(convertToHalf(model, { elementType })).toBe(false);
      expect(writeOnnx(model).slice()).toEqual(before);
    };
    untouched(() => undefined, 'float16');
    untouched(({ graph }) => graph.node.push(makeNode('Unheard', ['v1'], ['z'])));
    untouched(({ graph }) => graph.node.push({ ...makeNode('Relu', ['v1'], ['z']), domain: 'elsewhere' }));
    untouched(({ graph }) => graph.node.push(makeNode('Cast', ['v1'], ['z'], { to: ONNX_TYPE.float16 })));
  });
});

describe('choosePrecision', () => {
  it('stays on float32 on the CPU without looking', async () => {
    const model = await inspectModel(await placeModel(makeNetwork({ kernel: 3 })));
    expect(
      await choosePrecision(makePlan({ model, format: 'gray', width: 64, height: 48 }), [model]),
    ).toBeNull();
  });

  it('measures both in turns on the same picture', async () => {
    const model = await inspectModel(await placeModel(makeNetwork({ kernel: 3 })));
    const measured = await measurePrecision(model, 'cpu', 64);
    if ('failure' in measured) throw new Error(measured.failure);
    expect(measured.worst).toBeLessThan(1 / 255);
    expect(measured.halfMilliseconds).toBeGreaterThan(0);
    expect(measured.fullMilliseconds).toBeGreaterThan(0);
    const half = await inspectModel(await placeModel(makeNetwork({ isHalf: true })));
    expect(await measurePrecision(half, 'cpu', 64)).toMatchObject({ failure: expect.any(String) as string });
  });

  it.skipIf(!hasDriver)('asks the device itself, and gives its reason', async () => {
    const model = await inspectModel(await placeModel(makeNetwork({ kernel: 3 })));
    const plan = { ...makePlan({ model, format: 'gray', width: 64, height: 48 }), device: 'webgpu' as const };
    const refusal = await tryDevice('webgpu', 'fp16');
    const choice = await choosePrecision(plan, [model]);
    if (refusal === null) expect(['fp16', 'fp32']).toContain(choice?.precision);
    else
      expect(choice).toMatchObject({
        precision: 'fp32',
        decision: { reason: expect.stringMatching(/float16/) as string },
      });
    // By itself no software driver is taken, so there is nothing to decide.
    expect(await choosePrecision({ ...plan, device: 'auto' }, [model])).toBeNull();
  });
});
