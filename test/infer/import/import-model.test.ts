import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importModel } from '../../../src/infer/import/import-model.ts';
import { readOnnx, writeOnnx } from '../../../src/infer/graph/onnx-model.ts';
import { inspectModel } from '../../../src/infer/inspect-model.ts';
import { makeNetwork, placeModel } from '../graph-fixture.ts';
import { addWeight, placeSafetensors } from './safetensors-fixture.ts';
import { measureError, readFloats, runNetwork } from './run-network.ts';

/** Written by scripts/write-import-fixtures.py, with what PyTorch makes of each. */
const fixtures = new URL('fixtures/', import.meta.url);

describe('importModel', () => {
  it.each([
    ['compact-x2-zip.pth', 'SRVGGNetCompact, x2, 6 channels, 2 layers', 1, 4],
    ['compact-x4-legacy.pth', 'SRVGGNetCompact, x4, 4 channels, 1 layers', 1, 3],
    ['compact-x3-safetensors.safetensors', 'SRVGGNetCompact, x3, 4 channels, 1 layers', 1, 3],
    ['rrdb-x4-new.pth', 'RRDBNet, x4, 4 channels, 1 blocks', 1, 19],
    ['rrdb-x4-old.pth', 'RRDBNet, x4, 4 channels, 2 blocks', 1, 34],
    ['rrdb-x2-old.pth', 'RRDBNet, x2, 4 channels, 1 blocks', 1, 19],
    ['rrdb-x4-second.safetensors', 'RRDBNet, x4, 4 channels, 1 blocks', 1, 19],
    ['rrdb-x2-unshuffle.safetensors', 'RRDBNet, x2, 4 channels, 1 blocks, pixels folded by 2', 2, 37],
    ['span-x2-trained.pth', 'SPAN, x2, 4 channels', 1, 21],
    ['span-x4-merged.pth', 'SPAN, x4, 4 channels', 1, 21],
    ['plksr-x2.safetensors', 'PLKSR, x2, 8 channels, 1 blocks', 1, 12],
    ['realplksr-x2.safetensors', 'RealPLKSR, x2, 8 channels, 1 blocks', 1, null],
  ] as const)('gives what PyTorch gives for %s', async (name, title, multiple, radius) => {
    const imported = await importModel(fileURLToPath(new URL(name, fixtures)));
    const format = name.endsWith('.pth') ? 'pytorch' : 'safetensors';
    expect(imported).toMatchObject({ format, title });
    const picture = await readFloats(new URL('input.f32', fixtures));
    const expected = await readFloats(new URL(name.replace(/\.\w+$/, '.f32'), fixtures));
    const result = await runNetwork(imported.bytes, picture, { width: 8, height: 6 });
    expect(measureError(result, expected)).toBeLessThan(1e-4);
    const facts = await inspectModel(await placeModel(imported.bytes));
    // The samples that one depends on, counted by hand: a layer of 3x3 is 1, at half the size 2, at twice the size a half.
    expect(facts).toMatchObject({
      scale: Number(/x(\d)/.exec(name)?.[1]),
      channels: 3,
      multiple,
      receptiveRadius: radius,
    });
  });

  it('tells the format by what is in the file', async () => {
    const bytes = await readFile(new URL('compact-x3-safetensors.safetensors', fixtures));
    expect(await importModel(await placeModel(bytes, 'misnamed'))).toMatchObject({ format: 'safetensors' });
  });

  it('passes ONNX on as it is', async () => {
    const file = await placeModel(makeNetwork());
    const { bytes, format, architecture } = await importModel(file);
    expect({ format, architecture }).toEqual({ format: 'onnx', architecture: null });
    expect(Buffer.compare(bytes, await readFile(file))).toBe(0);
  });

  it('brings into an ONNX file the weights that lie beside it', async () => {
    const model = makeNetwork({ channels: 3, kernel: 5 });
    const weight = model.graph.initializer.find(({ name }) => name === 'w1');
    const values = weight?.rawData;
    if (weight === undefined || values === undefined) throw new Error('the network has no weights');
    const file = await placeModel(model);
    await writeFile(`${file}.data`, values);
    delete weight.rawData;
    weight.dataLocation = 1;
    weight.externalData = [{ key: 'location', value: path.basename(`${file}.data`) }];
    await writeFile(file, writeOnnx(model));
    const { bytes } = await importModel(file);
    const [found] = readOnnx(bytes).graph.initializer;
    expect(Buffer.compare(found?.rawData ?? new Uint8Array(), values)).toBe(0);
  });

  it('says what was found where the weights are of no known network', async () => {
    const file = await placeSafetensors({ 'stem.weight': [4, 3, 3, 3], 'stem.bias': [4] });
    await expect(importModel(file)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/stem\.weight 4x3x3x3.*known are.*SRVGGNetCompact.*RRDBNet/) as string,
    });
  });

  it.each([
    [
      'a size that does not follow',
      { 'body.2.weight': [12, 5, 3, 3] },
      /body\.2\.weight is 12x5x3x3 where anyx4/,
    ],
    ['a weight that is missing', { 'body.2.weight': null }, /body\.2\.weight is missing/],
    ['channels of no scale', { 'body.2.weight': [15, 4, 3, 3], 'body.2.bias': [15] }, /no whole scale/],
    ['activations without weights', { 'body.1.weight': null }, /cannot be told/],
    [
      'a size of nothing',
      { 'body.0.weight': [0, 3, 3, 3], 'body.0.bias': [0] },
      /body\.0\.weight is 0x3x3x3/,
    ],
    ['a kernel of even size', { 'body.0.weight': [4, 3, 2, 2] }, /2x2/],
  ])('refuses a network with %s', async (_what, changes, reason) => {
    const compact = {
      'body.0.weight': [4, 3, 3, 3],
      'body.0.bias': [4],
      'body.1.weight': [4],
      'body.2.weight': [12, 4, 3, 3],
      'body.2.bias': [12],
    };
    await expect(importModel(await placeSafetensors(compact))).resolves.toMatchObject({
      format: 'safetensors',
    });
    await expect(importModel(await placeSafetensors({ ...compact, ...changes }))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(reason) as string,
    });
  });

  it('refuses weights that have no place in the network they look like', async () => {
    const bytes = await readFile(new URL('rrdb-x2-unshuffle.safetensors', fixtures));
    const extended = addWeight(bytes, 'body.0.rdb1.conv1x1.weight');
    await expect(importModel(await placeModel(extended))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('conv1x1') as string,
    });
  });
});

const community = new URL('../../../../shared/models/', import.meta.url);
const models = ['IMDN_x2.pth', 'rlfn_s_x2.pth', 'RT4KSR_x2/rt4ksr_x2.pth'];
const present = models.every((name) => existsSync(new URL(`community/${name}`, community)));

describe.skipIf(!present)(
  `importModel on published weights${present ? '' : ' (skipped: ../shared/models is not here)'}`,
  () => {
    it.each([
      ['IMDN_x2.pth', 'IMDN_x2', 'IMDN, x2, 64 channels, 6 blocks'],
      ['rlfn_s_x2.pth', 'RLFN_S_x2', 'RLFN, x2, 48 channels, 6 blocks'],
      ['RT4KSR_x2/rt4ksr_x2.pth', 'RT4KSR_x2', 'RT4KSR, x2, 24 channels, 4 blocks'],
    ])('gives the reference picture for %s', async (name, reference, title) => {
      const imported = await importModel(fileURLToPath(new URL(`community/${name}`, community)));
      expect(imported.title).toBe(title);
      const picture = await readFloats(new URL('reference/input_rgb_3x48x64.f32', community));
      const result = await runNetwork(imported.bytes, picture, { width: 64, height: 48 });
      const expected = await readFloats(new URL(`reference/${reference}_3x96x128.f32`, community));
      expect(
        measureError(
          result.map((value) => Math.min(1, Math.max(0, value))),
          expected,
        ),
      ).toBeLessThan(1e-3);
      expect(await inspectModel(await placeModel(imported.bytes))).toMatchObject({
        scale: 2,
        channels: 3,
        range: 1,
      });
    });
  },
);
