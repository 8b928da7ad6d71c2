import type { ElementType } from '../element-type.ts';

/** What a pickle of weights may hold. Lists, tuples and sets are arrays, dictionaries are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PickleValue[]
  | PickleDict
  | PickledGlobal
  | PickledStorage
  | PickledTensor;

export type PickleDict = Map<PickleValue, PickleValue>;

/** A name that the pickle asked for, one of the few that are allowed. Nothing is ever run: it stands for what is built here. */
export class PickledGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A block of numbers that lies elsewhere in the file. */
export class PickledStorage {
  readonly key: string;
  readonly type: ElementType;
  /** Elements. */
  readonly count: number;

  constructor(key: string, type: ElementType, count: number) {
    this.key = key;
    this.type = type;
    this.count = count;
  }
}

/** A view of a storage, known to lie inside it and to have no more elements than it. Offset and strides are in elements. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PickledStorage, offset: number, dims: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.dims = dims;
    this.strides = strides;
  }
}
