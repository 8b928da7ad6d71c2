import { ELEMENT_BYTES, toFloats, type ElementType } from './element-type.ts';
import type { StateDict, WeightTensor } from './state-dict.ts';

/** Far more than the names of any network's weights take. */
const MOST_HEADER_BYTES = 16 * 2 ** 20;

const TYPES: Readonly<Record<string, ElementType>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I64: 'i64',
  I32: 'i32',
  I16: 'i16',
  I8: 'i8',
  U8: 'u8',
  BOOL: 'u8',
};

/** Whether `bytes` begin as a safetensors file does: the length of a header, and the header's brace. */
export function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 8 && bytes[8] === 0x7b;
}

/**
 * Reads a safetensors file: https://github.com/huggingface/safetensors#format
 *
 * @throws an `Error` that says in half a sentence what is wrong
 */
export function readSafetensors(bytes: Uint8Array): StateDict {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MOST_HEADER_BYTES || 8 + length > bytes.length) {
    throw new Error('its header is longer than the file, or than any header is');
  }
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  if (typeof header !== 'object' || header === null) throw new Error('its header is none');
  const body = bytes.subarray(8 + length);
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => readEntry(name, value, body.length))
    .sort((a, b) => a.begin - b.begin);
  if (entries.length === 0) throw new Error('it holds no weights');
  const state = new Map<string, WeightTensor>();
  let free = 0;
  for (const { name, type, dims, begin, end } of entries) {
    if (begin < free) throw new Error(`its weight ${name} overlaps another one`);
    free = end;
    state.set(name, { dims, data: toFloats(body.subarray(begin, end), type) });
  }
  return state;
}

interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(name: string, value: unknown, size: number): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const type = typeof dtype === 'string' && Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
  if (type === undefined)
    throw new Error(`its weight ${name} has the unknown type ${String(dtype).slice(0, 20)}`);
  if (!areSizes(shape) || !areSizes(offsets) || offsets.length !== 2) {
    throw new Error(`its weight ${name} is not described as weights are`);
  }
  const [begin = 0, end = 0] = offsets;
  const bytes = shape.reduce((product, dim) => product * dim, ELEMENT_BYTES[type]);
  if (begin > end || end > size || end - begin !== bytes) {
    throw new Error(`its weight ${name} (${shape.join('x')}) does not lie where it says`);
  }
  return { name, type, dims: shape, begin, end };
}

function areSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
