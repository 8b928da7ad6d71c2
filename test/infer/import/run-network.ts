import { readFile } from 'node:fs/promises';
import { openSession } from '../../../src/infer/onnxruntime.ts';

/** Float32 of a file. */
export async function readFloats(file: URL): Promise<Float32Array> {
  return new Float32Array(new Uint8Array(await readFile(file)).buffer);
}

/** What an ONNX file of three channels makes of a picture. */
export async function runNetwork(
  bytes: Uint8Array,
  picture: Float32Array,
  size: { readonly width: number; readonly height: number },
): Promise<Float32Array> {
  const session = await openSession(bytes, { device: 'cpu', threads: 1 });
  try {
    const dims = [1, 3, size.height, size.width];
    const [result] = [...(await session.evaluate({ input: { data: picture, dims } })).values()];
    return result?.data as Float32Array;
  } finally {
    await session.close();
  }
}

/** The largest difference between two lists of numbers; infinite where they are not equally long. */
export function measureError(left: Float32Array, right: Float32Array): number {
  if (left.length !== right.length) return Infinity;
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - (right[i] ?? NaN))), 0);
}
