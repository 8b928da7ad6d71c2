import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { StateDict, WeightTensor } from '../../../../src/infer/import/state-dict.ts';
import type { TensorView } from '../../../../src/infer/onnxruntime.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const SHAPE = /_(\d+)x(\d+)x(\d+)\.f32$/;

/** What `scripts/write-architecture-fixtures.py` writes: a header of names, types and places, then the numbers. */
export async function readWeights(name: string): Promise<StateDict> {
  const bytes = new Uint8Array(await readFile(path.join(FIXTURES, `${name}.safetensors`)));
  const view = new DataView(bytes.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header).map(
      ([
        key,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]): [string, WeightTensor] => {
        const part = bytes.slice(start + from, start + to).buffer;
        const data =
          dtype === 'I64' ? Float32Array.from(new BigInt64Array(part), Number) : new Float32Array(part);
        return [key, { dims: shape, data }];
      },
    ),
  );
}

/** All that is stored as `NAME_CHANNELSxHEIGHTxWIDTH.f32`, smallest first. */
export async function readPictures(name: string): Promise<TensorView[]> {
  const files = (await readdir(FIXTURES)).filter(
    (file) => SHAPE.test(file) && file.replace(SHAPE, '') === name,
  );
  const pictures = await Promise.all(
    files.map(async (file) => ({
      dims: [1, ...(SHAPE.exec(file) ?? []).slice(1).map(Number)],
      data: new Float32Array(new Uint8Array(await readFile(path.join(FIXTURES, file))).buffer),
    })),
  );
  return pictures.sort((a, b) => a.data.length - b.data.length);
}
