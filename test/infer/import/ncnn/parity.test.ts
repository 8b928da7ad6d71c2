import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeOnnx } from '../../../../src/infer/graph/onnx-model.ts';
import { importNcnn } from '../../../../src/infer/import/ncnn/import-ncnn.ts';
import { inspectModel } from '../../../../src/infer/inspect-model.ts';
import { openSession, type TensorView } from '../../../../src/infer/onnxruntime.ts';
import { placeModel } from '../../graph-fixture.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const COMMUNITY = path.resolve('../shared/models/community');
const REFERENCE = path.resolve('../shared/models/reference');

describe('importNcnn', () => {
  it.each(['compact', 'gates', 'sizes', 'pieces', 'norms', 'unpadded'])(
    'gives for %s what PyTorch gives',
    async (name) => {
      const difference = await compare(path.join(FIXTURES, `${name}.param`), FIXTURES, name, 'input');
      expect(difference).toBeLessThan(1e-4);
    },
  );

  it.for([
    ['spanx2_ch48', 21],
    ['realesr-animevideov3-x2', 19],
    ['AnimeJaNai_HD_V3_Compact_583k-x2', 18],
  ] as const)(
    'gives for the community file %s what its reference holds',
    async ([name, radius], { skip }) => {
      const file = path.join(COMMUNITY, name, `${name}.param`);
      skip(!existsSync(file), `${file} is not there`);
      expect(await compare(file, REFERENCE, name, 'input_rgb')).toBeLessThan(2e-3);
      const { model } = await importNcnn(file);
      expect(await inspectModel(await placeModel(model))).toMatchObject({
        scale: 2,
        channels: 3,
        range: 1,
        multiple: 1,
        receptiveRadius: radius,
        fixedWidth: null,
      });
    },
  );
});

/** Largest difference between what the imported file gives and what is stored as `name` in `folder`. */
async function compare(file: string, folder: string, name: string, inputName: string): Promise<number> {
  const input = await readTensor(folder, inputName);
  const expected = await readTensor(folder, name);
  const { model } = await importNcnn(file);
  const session = await openSession(writeOnnx(model), { device: 'cpu', threads: 1 });
  try {
    const output = (await session.evaluate({ input })).get('output');
    expect(output?.dims).toEqual(expected.dims);
    const values = output?.data ?? [];
    return (expected.data as Float32Array).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - Number(values[i]))),
      0,
    );
  } finally {
    await session.close();
  }
}

/** Reads `NAME_CHANNELSxHEIGHTxWIDTH.f32`. */
async function readTensor(folder: string, name: string): Promise<TensorView> {
  const shape = /_(\d+)x(\d+)x(\d+)\.f32$/;
  const entry = (await readdir(folder)).find((file) => file.replace(shape, '') === name && shape.test(file));
  if (entry === undefined) throw new Error(`${folder} holds no ${name}`);
  const dims = [1, ...(shape.exec(entry) ?? []).slice(1).map(Number)];
  const data = new Float32Array(new Uint8Array(await readFile(path.join(folder, entry))).buffer);
  return { dims, data };
}
