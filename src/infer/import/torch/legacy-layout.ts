import { ELEMENT_BYTES } from '../element-type.ts';
import type { PickledStorage, PickleValue } from './pickle-values.ts';
import { unpickle, type Unpickled } from './unpickle.ts';

/** What every file of the old format begins with, as a pickled number. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** A file of the old format up to where its numbers begin. */
export interface LegacyPickle extends Unpickled {
  /** Storages in the order in which their numbers follow. */
  readonly keys: readonly string[];
}

/** Reads the five pickles at the start: magic number, protocol, the system that wrote it, the object, the storages' keys. */
export function readLegacyPickle(bytes: Uint8Array): LegacyPickle {
  const magic = unpickle(bytes);
  if (magic.value !== MAGIC) throw new Error('it is a pickle, but none of PyTorch');
  const protocol = unpickle(bytes, magic.end);
  if (protocol.value !== PROTOCOL) throw new Error('it is of a version of PyTorch that is not known');
  const system = unpickle(bytes, protocol.end);
  if (system.value instanceof Map && system.value.get('little_endian') === false) {
    throw new Error('its numbers are big endian');
  }
  const object = unpickle(bytes, system.end);
  const keys = unpickle(bytes, object.end);
  if (!Array.isArray(keys.value)) throw new Error('it does not list its storages');
  const names = keys.value.map((key: PickleValue) => {
    if (typeof key !== 'string') throw new Error('it does not list its storages');
    return key;
  });
  return { ...object, end: keys.end, keys: names };
}

/** Where the numbers of each storage lie: after each other, each with its number of elements before it. */
export function locateStorages(
  bytes: Uint8Array,
  { storages, keys, end }: LegacyPickle,
): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = new Map<string, Uint8Array>();
  let position = end;
  for (const key of keys) {
    const storage: PickledStorage | undefined = storages.get(key);
    if (storage === undefined) throw new Error(`it never says what its storage ${key} holds`);
    if (position + 8 > bytes.length) throw new Error('it is cut short');
    if (view.getBigInt64(position, true) !== BigInt(storage.count)) {
      throw new Error(`its storage ${key} has another number of elements than it says`);
    }
    const size = storage.count * ELEMENT_BYTES[storage.type];
    position += 8;
    if (position + size > bytes.length) throw new Error('it is cut short');
    places.set(key, bytes.subarray(position, position + size));
    position += size;
  }
  return places;
}
