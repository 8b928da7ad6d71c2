import type { ElementType } from '../element-type.ts';
import {
  PickledGlobal,
  PickledStorage,
  PickledTensor,
  type PickleDict,
  type PickleValue,
} from './pickle-values.ts';

/** Storage classes by what they hold. */
const STORAGES: Readonly<Record<string, ElementType>> = {
  'torch.DoubleStorage': 'f64',
  'torch.FloatStorage': 'f32',
  'torch.HalfStorage': 'f16',
  'torch.BFloat16Storage': 'bf16',
  'torch.LongStorage': 'i64',
  'torch.IntStorage': 'i32',
  'torch.ShortStorage': 'i16',
  'torch.CharStorage': 'i8',
  'torch.ByteStorage': 'u8',
  'torch.BoolStorage': 'u8',
};

type Rebuild = (args: readonly PickleValue[]) => PickleValue;

/** All that a pickle may call, and what stands in for it. The list is closed. */
const CALLS: Readonly<Record<string, Rebuild>> = {
  'collections.OrderedDict': makeDict,
  // Schedulers keep their milestones in one, beside the weights.
  'collections.Counter': makeDict,
  'torch.Size': ([sizes = []]) => sizes,
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_parameter': ([tensor = null]) => tensor,
};

const MOST_DIMENSIONS = 8;

/** Takes the name of something in Python. Throws an `Error` with the name where it is not one of the few that weights need. */
export function admitGlobal(module: string, name: string): PickledGlobal {
  const full = `${module}.${name}`;
  if (Object.hasOwn(STORAGES, full) || Object.hasOwn(CALLS, full)) return new PickledGlobal(full);
  throw new Error(
    `it asks for ${JSON.stringify(full.slice(0, 120))}, which is no part of weights, and nothing of it is run`,
  );
}

/** What Python would get by calling `callee`. */
export function callGlobal(callee: PickleValue, args: PickleValue): PickleValue {
  const call =
    callee instanceof PickledGlobal && Object.hasOwn(CALLS, callee.name) ? CALLS[callee.name] : undefined;
  if (call === undefined || !Array.isArray(args)) throw new Error('it calls what is nothing to be called');
  return call(args as readonly PickleValue[]);
}

/** What a persistent id stands for: `('storage', class, key, location, count)`, and in old files a view of it. */
export function resolvePersistentId(id: PickleValue): PickledStorage {
  if (!Array.isArray(id)) throw new Error('it refers to what is no storage');
  const [word, storageClass, key, , count, view = null] = id as readonly PickleValue[];
  const type = storageClass instanceof PickledGlobal ? STORAGES[storageClass.name] : undefined;
  if (word !== 'storage' || type === undefined || typeof key !== 'string' || !isSize(count)) {
    throw new Error('it refers to what is no storage');
  }
  if (view !== null) throw new Error('its storages are views of one another, as very old files have them');
  return new PickledStorage(key, type, count);
}

function makeDict([content = []]: readonly PickleValue[]): PickleDict {
  if (content instanceof Map) return new Map(content);
  if (!Array.isArray(content)) throw new Error('it fills a dictionary with what are no pairs');
  return new Map(
    content.map((pair: PickleValue) => {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new Error('it fills a dictionary with what are no pairs');
      }
      return pair as unknown as [PickleValue, PickleValue];
    }),
  );
}

function rebuildTensor([storage, offset, dims, strides]: readonly PickleValue[]): PickledTensor {
  if (!(storage instanceof PickledStorage) || !isSize(offset) || !areSizes(dims) || !areSizes(strides)) {
    throw new Error('one of its tensors is not described as tensors are');
  }
  if (dims.length !== strides.length || dims.length > MOST_DIMENSIONS) {
    throw new Error(`one of its tensors has ${dims.length} sizes and ${strides.length} strides`);
  }
  const count = dims.reduce((product, size) => product * size, 1);
  const last = dims.reduce((sum, size, i) => sum + Math.max(0, size - 1) * (strides[i] ?? 0), offset);
  // As many elements as the storage has: strides of 0 would make something huge of a few bytes.
  if (count > storage.count || (count > 0 && last >= storage.count)) {
    throw new Error(
      `one of its tensors (${dims.join('x')}) does not fit into its storage of ${storage.count} numbers`,
    );
  }
  return new PickledTensor(storage, offset, dims, strides);
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function areSizes(value: PickleValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((size: PickleValue) => isSize(size));
}
