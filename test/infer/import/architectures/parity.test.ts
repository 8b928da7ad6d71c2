import { describe, expect, it } from 'vitest';
import { writeOnnx } from '../../../../src/infer/graph/onnx-model.ts';
import type { Architecture, BuiltNetwork } from '../../../../src/infer/import/architecture.ts';
import { CUGAN } from '../../../../src/infer/import/architectures/cugan.ts';
import { DAT } from '../../../../src/infer/import/architectures/dat.ts';
import { OMNISR } from '../../../../src/infer/import/architectures/omnisr.ts';
import { PLKSR } from '../../../../src/infer/import/architectures/plksr.ts';
import { SAFMN } from '../../../../src/infer/import/architectures/safmn.ts';
import { SWINIR } from '../../../../src/infer/import/architectures/swinir.ts';
import type { StateDict } from '../../../../src/infer/import/state-dict.ts';
import { inspectModel } from '../../../../src/infer/inspect-model.ts';
import { openSession, type TensorView } from '../../../../src/infer/onnxruntime.ts';
import { placeModel } from '../../graph-fixture.ts';
import { readPictures, readWeights } from './fixture-files.ts';

const TITLES: readonly (readonly [string, Architecture, string])[] = [
  ['swinir-light', SWINIR, 'SwinIR, x2, 8 channels, 2 layers, windows of 4'],
  ['swinir-classical', SWINIR, 'SwinIR, x4, 4 channels, 1 layers, windows of 4'],
  ['swinir-real', SWINIR, 'SwinIR, x2, 8 channels, 1 layers, windows of 4'],
  ['safmn', SAFMN, 'SAFMN, x2, 8 channels, 2 blocks'],
  ['omnisr', OMNISR, 'OmniSR, x2, 8 channels, 1 groups, windows of 4'],
  ['dat', DAT, 'DAT, x2, 8 channels, 2 layers, windows of 2x4'],
  ['plksr', PLKSR, 'PLKSR, x2, 8 channels, 2 blocks'],
  ['realplksr', PLKSR, 'RealPLKSR, x3, 8 channels, 2 blocks'],
  ['realplksr-dysample', PLKSR, 'RealPLKSR, x2, 8 channels, 2 blocks, DySample'],
  ['cugan-2x', CUGAN, 'Real-CUGAN, x2'],
  ['cugan-3x', CUGAN, 'Real-CUGAN, x3, pro'],
  ['cugan-4x', CUGAN, 'Real-CUGAN, x4, pro'],
];
const ALL = [SWINIR, SAFMN, OMNISR, DAT, PLKSR, CUGAN];
/** Of results every fifth row and column is stored. */
const STEP = 5;

describe.each(TITLES)('%s', (name, architecture, title) => {
  it('is recognised by one architecture alone, by its names', async () => {
    const weights = await readWeights(name);
    expect(ALL.map((other) => other.build(weights)?.title ?? null)).toEqual(
      ALL.map((other) => (other === architecture ? title : null)),
    );
  });

  it('gives what PyTorch gives, also for sizes that no window divides', async () => {
    const { model } = build(architecture, await readWeights(name));
    const scale = Number(/x(\d)/.exec(title)?.[1]);
    const inputs = await readPictures('input');
    const expected = await readPictures(name);
    expect(expected).toHaveLength(inputs.length);
    const session = await openSession(writeOnnx(model), { device: 'cpu', threads: 1 });
    try {
      for (const [i, { dims, data }] of inputs.entries()) {
        const [, , height = 0, width = 0] = dims;
        const wanted = expected[i];
        const channels = wanted?.dims[1] ?? 0;
        const input = { dims: [1, channels, height, width], data: data.slice(0, channels * height * width) };
        const output = (await session.evaluate({ input })).get('output');
        expect(output?.dims).toEqual([1, channels, height * scale, width * scale]);
        expect(measureDifference(thinOut(output), wanted?.data)).toBeLessThan(1e-4);
      }
    } finally {
      await session.close();
    }
  });

  it('refuses weights that are missing, of another shape, or left over', async () => {
    const weights = await readWeights(name);
    const [last = ''] = [...weights.keys()].filter((key) => key.endsWith('.weight')).slice(-1);
    const without = new Map(weights);
    without.delete(last);
    expect(() => architecture.build(without)).toThrow();
    const bent = new Map(weights).set(last, { dims: [1, 2, 3], data: new Float32Array(6) });
    expect(() => architecture.build(bent)).toThrow(last);
    const more = new Map(weights).set('something.weight', { dims: [1], data: new Float32Array(1) });
    expect(() => architecture.build(more)).toThrow('something.weight');
  });
});

function build(architecture: Architecture, weights: StateDict): BuiltNetwork {
  const network = architecture.build(weights);
  if (network === null) throw new Error(`${architecture.name} does not know its own weights`);
  return network;
}

/** Every fifth row and column. */
function thinOut(picture: TensorView | undefined): number[] {
  const [, , height = 0, width = 0] = picture?.dims ?? [];
  return Array.from(picture?.data as Float32Array).filter(
    (_, i) => (i % width) % STEP === 0 && (Math.floor(i / width) % height) % STEP === 0,
  );
}

function measureDifference(values: readonly number[], expected: unknown): number {
  const wanted = expected as Float32Array;
  expect(values).toHaveLength(wanted.length);
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - (wanted[i] ?? NaN))), 0);
}

it.each([
  // Mean and gates of the whole picture, or attention to all of it.
  ['omnisr', OMNISR, { scale: 2, multiple: 1, receptiveRadius: null }],
  ['dat', DAT, { scale: 2, multiple: 1, receptiveRadius: null }],
  ['cugan-2x', CUGAN, { scale: 2, multiple: 1, receptiveRadius: null }],
] as const)('finds that %s looks at the whole picture', async (name, architecture, facts) => {
  const { model } = build(architecture, await readWeights(name));
  expect(await inspectModel(await placeModel(model))).toMatchObject({ channels: 3, range: 1, ...facts });
});
