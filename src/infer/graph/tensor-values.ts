import { fromHalves, toHalves } from './half-floats.ts';
import { ONNX_TYPE, toInteger, type OnnxTensor } from './onnx-model.ts';

/** Number of elements that `dims` of a tensor promise. */
export function countElements(tensor: OnnxTensor): number {
  return tensor.dims.reduce<number>((product, dim) => product * toInteger(dim), 1);
}

/** The values of a float32 tensor, as a copy; null for other types, or where their number is not what the shape promises. */
export function readFloats(tensor: OnnxTensor): Float32Array | null {
  if (tensor.dataType !== ONNX_TYPE.float || tensor.dataLocation === 1) return null;
  const count = countElements(tensor);
  const raw = tensor.rawData;
  if (raw !== undefined && raw.byteLength > 0) {
    if (raw.byteLength !== count * 4) return null;
    return new Float32Array(new Uint8Array(raw).buffer);
  }
  const values = tensor.floatData ?? [];
  return values.length === count ? Float32Array.from(values) : null;
}

/** The values of a float16 tensor, as a copy; null as {@link readFloats} has it. */
export function readHalves(tensor: OnnxTensor): Float32Array | null {
  if (tensor.dataType !== ONNX_TYPE.float16 || tensor.dataLocation === 1) return null;
  const count = countElements(tensor);
  const raw = tensor.rawData;
  if (raw !== undefined && raw.byteLength > 0) {
    return raw.byteLength === count * 2 ? fromHalves(new Uint16Array(new Uint8Array(raw).buffer)) : null;
  }
  // Without raw bytes the standard keeps a half's bits in an int32.
  const bits = tensor.int32Data ?? [];
  return bits.length === count ? fromHalves(Uint16Array.from(bits)) : null;
}

/** Makes a float16 tensor. */
export function makeHalves(name: string, dims: readonly number[], values: Float32Array): OnnxTensor {
  const bytes = new Uint8Array(toHalves(values).buffer);
  return { name, dims: [...dims], dataType: ONNX_TYPE.float16, rawData: bytes };
}

/** Makes a float32 tensor. */
export function makeFloats(
  name: string,
  dims: readonly number[],
  values: Float32Array | readonly number[],
): OnnxTensor {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dims: [...dims], dataType: ONNX_TYPE.float, rawData: bytes };
}

/** Makes an int64 tensor, what shapes and indices are. */
export function makeIntegers(name: string, dims: readonly number[], values: readonly number[]): OnnxTensor {
  const bytes = new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
  return { name, dims: [...dims], dataType: ONNX_TYPE.int64, rawData: bytes };
}
