import { placeModel } from '../graph-fixture.ts';

/** A safetensors file of a header as it is given, and a body. */
export function makeSafetensors(header: unknown, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return Buffer.concat([length, text, body]);
}

/** A file of weights, all zero, by their shapes; null leaves one out. */
export function makeWeights(shapes: Readonly<Record<string, readonly number[] | null>>): Uint8Array {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    if (shape === null) continue;
    const begin = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
  }
  return makeSafetensors(header, new Uint8Array(end));
}

/** Writes what {@link makeWeights} makes. */
export function placeSafetensors(shapes: Parameters<typeof makeWeights>[0]): Promise<string> {
  return placeModel(makeWeights(shapes));
}

/** The same file with one more weight, of no size. */
export function addWeight(bytes: Uint8Array, name: string): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object;
  return makeSafetensors(
    { ...header, [name]: { dtype: 'F32', shape: [0], data_offsets: [0, 0] } },
    bytes.subarray(8 + length),
  );
}
