import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { boundReach } from '../../../src/infer/graph/bound-reach.ts';
import { readOnnx } from '../../../src/infer/graph/onnx-model.ts';
import { importModel } from '../../../src/infer/import/import-model.ts';
import { inspectModel } from '../../../src/infer/inspect-model.ts';
import { placeModel } from '../graph-fixture.ts';
import {
  makeDeepNetwork,
  makeGlobalNetwork,
  makeResizedNetwork,
  makeTransposedNetwork,
  makeUnshuffledNetwork,
  writeNetwork,
  type TinyNetwork,
} from '../tiny-networks.ts';

const bound = (bytes: Uint8Array, input = 'input', output = 'output'): number | null =>
  boundReach(readOnnx(bytes).graph, input, output);

describe('boundReach', () => {
  it.each([
    ['convolutions one of which is spread out', makeDeepNetwork()],
    ['a resized picture', makeResizedNetwork()],
    ['pixels folded into channels', makeUnshuffledNetwork()],
  ])('is no less than what is measured for %s', async (_what, network: TinyNetwork) => {
    const bytes = writeNetwork(network);
    const { receptiveRadius } = await inspectModel(await placeModel(bytes));
    expect(receptiveRadius).not.toBeNull();
    expect(bound(bytes, 'x', 'y')).toBeGreaterThanOrEqual(receptiveRadius ?? Infinity);
  });

  it.each(['compact-x2-zip.pth', 'rrdb-x4-old.pth', 'span-x2-trained.pth'])(
    'is what is measured, but for parts of a sample, for %s',
    async (name) => {
      const file = fileURLToPath(new URL(`../import/fixtures/${name}`, import.meta.url));
      const { bytes } = await importModel(file);
      const { receptiveRadius } = await inspectModel(await placeModel(bytes));
      const found = bound(bytes) ?? NaN;
      expect(found).toBeGreaterThan((receptiveRadius ?? NaN) - 1);
      expect(found).toBeLessThan((receptiveRadius ?? NaN) + 3);
    },
  );

  it('says nothing of networks with other operators', () => {
    expect(bound(writeNetwork(makeGlobalNetwork('ReduceMean')), 'x', 'y')).toBeNull();
    expect(bound(writeNetwork(makeTransposedNetwork()), 'x', 'y')).toBeNull();
  });
});
