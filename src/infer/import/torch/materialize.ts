import { ELEMENT_BYTES, toFloats } from '../element-type.ts';
import type { StateDict, WeightTensor } from '../state-dict.ts';
import type { PickledStorage, PickledTensor } from './pickle-values.ts';

/** Gives the bytes of a storage. */
export type ReadStorage = (storage: PickledStorage) => Uint8Array | Promise<Uint8Array>;

/**
 * Brings in the numbers of tensors. Those that lie in a row are views of what was read; copies are made of others, as long as all of them
 * together have no more elements than `mostCopied`.
 */
export async function materialize(
  tensors: ReadonlyMap<string, PickledTensor>,
  read: ReadStorage,
  mostCopied: number,
): Promise<StateDict> {
  const storages = new Map<string, Float32Array>();
  const state = new Map<string, WeightTensor>();
  let copied = 0;
  for (const [name, tensor] of tensors) {
    const { storage, offset, dims } = tensor;
    let numbers = storages.get(storage.key);
    if (numbers === undefined) {
      numbers = toFloats(trim(await read(storage), storage), storage.type);
      storages.set(storage.key, numbers);
    }
    const count = dims.reduce((product, size) => product * size, 1);
    if (isInRow(tensor)) {
      state.set(name, { dims, data: numbers.subarray(offset, offset + count) });
      continue;
    }
    copied += count;
    if (copied > mostCopied) throw new Error('its tensors would take far more memory than the file');
    state.set(name, { dims, data: gather(tensor, numbers, count) });
  }
  return state;
}

function trim(bytes: Uint8Array, { key, type, count }: PickledStorage): Uint8Array {
  const size = count * ELEMENT_BYTES[type];
  if (bytes.length < size) {
    throw new Error(`its storage ${key} has ${bytes.length} bytes where ${size} belong`);
  }
  return bytes.subarray(0, size);
}

function isInRow({ dims, strides }: PickledTensor): boolean {
  let step = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    const size = dims[i] ?? 0;
    if (size !== 1 && strides[i] !== step) return size === 0;
    step *= size;
  }
  return true;
}

function gather(
  { offset, dims, strides }: PickledTensor,
  numbers: Float32Array,
  count: number,
): Float32Array {
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let at = offset;
    let rest = i;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const size = dims[axis] ?? 1;
      at += (rest % size) * (strides[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    data[i] = numbers[at] ?? NaN;
  }
  return data;
}
