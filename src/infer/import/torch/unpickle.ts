import type { PickledStorage, PickleValue } from './pickle-values.ts';
import { admitGlobal, callGlobal, resolvePersistentId } from './torch-globals.ts';

/** Far more than a checkpoint with its optimizer has; a pickle of this size takes some 200 MB at worst. */
const MOST_OPERATIONS = 2_000_000;
const MOST_CONTAINERS = 500_000;
/** Bytes of a whole number; old files carry a magic one of 10. */
const MOST_INTEGER_BYTES = 16;
const MOST_LINE = 1024;

/** Names of the operations that would make Python build objects in other ways than weights need. */
const REFUSED: Readonly<Record<number, string>> = {
  0x50: 'PERSID',
  0x69: 'INST',
  0x6f: 'OBJ',
  0x81: 'NEWOBJ',
  0x82: 'EXT1',
  0x83: 'EXT2',
  0x84: 'EXT4',
  0x92: 'NEWOBJ_EX',
  0x96: 'BYTEARRAY8',
  0x97: 'NEXT_BUFFER',
  0x98: 'READONLY_BUFFER',
};

/**
 * Reads one pickle (protocols 0 to 5) of weights and what lies around them, from `start` on. Python's pickles are programs; this machine has no
 * way to run anything: names outside of a closed list end it, and calls of the names on the list are done here, by code that
 * makes dictionaries and tensor descriptions. Bounded in operations and in what it makes.
 *
 * @throws an `Error` that says in half a sentence what is wrong
 */
export function unpickle(bytes: Uint8Array, start = 0): Unpickled {
  const machine = new PickleMachine(bytes, start);
  const value = machine.run();
  return { value, storages: machine.storages, end: machine.position };
}

/** One pickle, read. */
export interface Unpickled {
  readonly value: PickleValue;
  /** All storages that it refers to, by their keys. */
  readonly storages: ReadonlyMap<string, PickledStorage>;
  /** Where the next byte after it lies. */
  readonly end: number;
}

class PickleMachine {
  position: number;
  readonly storages = new Map<string, PickledStorage>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #memo = new Map<number, PickleValue>();
  readonly #marks: number[] = [];
  #stack: PickleValue[] = [];
  #containers = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
  }

  run(): PickleValue {
    for (let operations = 0; operations < MOST_OPERATIONS; operations++) {
      const code = this.#byte();
      if (code === 0x2e) return this.#pop();
      if (!this.#readConstant(code) && !this.#handleStack(code) && !this.#build(code)) {
        const name = REFUSED[code] ?? `0x${code.toString(16)}`;
        throw new Error(`its pickle has the operation ${name}, which weights have no need of`);
      }
    }
    throw new Error('its pickle is longer than that of any weights');
  }

  #readConstant(code: number): boolean {
    switch (code) {
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#byte());
      case 0x4d: // BININT2
        return this.#push(this.#view.getUint16(this.#advance(2), true));
      case 0x4a: // BININT
        return this.#push(this.#view.getInt32(this.#advance(4), true));
      case 0x8a: // LONG1
        return this.#push(this.#long(this.#byte()));
      case 0x8b: // LONG4
        return this.#push(this.#long(this.#size32()));
      case 0x49: // INT
        return this.#push(this.#decimal(this.#line()));
      case 0x4c: // LONG
        return this.#push(this.#decimal(this.#line().replace(/L$/, '')));
      case 0x47: // BINFLOAT
        return this.#push(this.#view.getFloat64(this.#advance(8), false));
      case 0x46: // FLOAT
        return this.#push(Number(this.#line()));
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING
        return this.#push(this.#text(this.#byte()));
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING
        return this.#push(this.#text(this.#size32()));
      case 0x8d: // BINUNICODE8
        return this.#push(this.#text(this.#size64()));
      case 0x56: // UNICODE
        return this.#push(this.#line());
      case 0x43: // SHORT_BINBYTES
        return this.#push(this.#take(this.#byte()));
      case 0x42: // BINBYTES
        return this.#push(this.#take(this.#size32()));
      case 0x8e: // BINBYTES8
        return this.#push(this.#take(this.#size64()));
      default:
        return false;
    }
  }

  #handleStack(code: number): boolean {
    switch (code) {
      case 0x80: // PROTO
        this.#byte();
        return true;
      case 0x95: // FRAME
        this.#advance(8);
        return true;
      case 0x28: // MARK
        this.#marks.push(this.#stack.length);
        return true;
      case 0x30: // POP
        this.#pop();
        return true;
      case 0x31: // POP_MARK
        this.#popToMark();
        return true;
      case 0x32: // DUP
        return this.#push(this.#top());
      case 0x71: // BINPUT
        return this.#store(this.#byte());
      case 0x72: // LONG_BINPUT
        return this.#store(this.#size32());
      case 0x70: // PUT
        return this.#store(Number(this.#line()));
      case 0x94: // MEMOIZE
        return this.#store(this.#memo.size);
      case 0x68: // BINGET
        return this.#recall(this.#byte());
      case 0x6a: // LONG_BINGET
        return this.#recall(this.#size32());
      case 0x67: // GET
        return this.#recall(Number(this.#line()));
      default:
        return false;
    }
  }

  #build(code: number): boolean {
    switch (code) {
      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        return this.#pushContainer([]);
      case 0x7d: // EMPTY_DICT
        return this.#pushContainer(new Map());
      case 0x85: // TUPLE1
        return this.#pushContainer([this.#pop()]);
      case 0x86: // TUPLE2
        return this.#pushContainer(this.#popMany(2));
      case 0x87: // TUPLE3
        return this.#pushContainer(this.#popMany(3));
      case 0x74: // TUPLE
      case 0x6c: // LIST
      case 0x91: // FROZENSET
        return this.#pushContainer(this.#popToMark());
      case 0x64: // DICT
        return this.#pushDict(this.#popToMark());
      case 0x61: // APPEND
        return this.#extendList([this.#pop()]);
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return this.#extendList(this.#popToMark());
      case 0x73: // SETITEM
        return this.#extendDict(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#extendDict(this.#popToMark());
      case 0x63: // GLOBAL
        return this.#push(admitGlobal(this.#line(), this.#line()));
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw new Error('it asks for a name that is none');
        return this.#push(admitGlobal(module, name));
      }
      case 0x51: // BINPERSID
        return this.#pushContainer(this.#refer(resolvePersistentId(this.#pop())));
      case 0x52: {
        // REDUCE
        const [callee = null, args = null] = this.#popMany(2);
        // What is copied counts, or one list could be copied time and again.
        const [content] = Array.isArray(args) ? (args as readonly PickleValue[]) : [];
        this.#count(content instanceof Map ? content.size : Array.isArray(content) ? content.length : 0);
        return this.#pushContainer(callGlobal(callee, args));
      }
      case 0x62: {
        // BUILD: state dictionaries carry versions of their layers as an attribute.
        this.#pop();
        if (!(this.#top() instanceof Map)) throw new Error('it sets the state of what is no dictionary');
        return true;
      }
      default:
        return false;
    }
  }

  #push(value: PickleValue): boolean {
    this.#stack.push(value);
    return true;
  }

  #pushContainer(value: PickleValue): boolean {
    this.#count(1);
    return this.#push(value);
  }

  #count(containers: number): void {
    this.#containers += containers;
    if (this.#containers > MOST_CONTAINERS) throw new Error('its pickle holds more than that of any weights');
  }

  /** One storage for each key, however often it is named. */
  #refer(storage: PickledStorage): PickledStorage {
    const known = this.storages.get(storage.key);
    if (known === undefined) {
      this.storages.set(storage.key, storage);
      return storage;
    }
    if (known.type !== storage.type || known.count !== storage.count) {
      throw new Error(`it describes its storage ${storage.key} in two ways`);
    }
    return known;
  }

  #pushDict(items: readonly PickleValue[]): boolean {
    this.#pushContainer(new Map());
    return this.#extendDict(items);
  }

  #extendList(items: readonly PickleValue[]): boolean {
    const list = this.#top();
    if (!Array.isArray(list)) throw new Error('it appends to what is no list');
    for (const item of items) (list as PickleValue[]).push(item);
    return true;
  }

  #extendDict(items: readonly PickleValue[]): boolean {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw new Error('it sets items of what is no dictionary');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i] ?? null, items[i + 1] ?? null);
    return true;
  }

  #store(index: number): boolean {
    this.#memo.set(index, this.#top());
    return true;
  }

  #recall(index: number): boolean {
    const value = this.#memo.get(index);
    if (value === undefined) throw new Error(`its pickle recalls what it never stored (${index})`);
    return this.#push(value);
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw new Error('its pickle is damaged');
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) throw new Error('its pickle is damaged');
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new Error('its pickle is damaged');
    return this.#stack.splice(mark);
  }

  #byte(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  #size32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  #size64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Moves on by `count` bytes; returns where they start. */
  #advance(count: number): number {
    const at = this.position;
    if (!(at + count <= this.#bytes.length)) throw new Error('its pickle is cut short');
    this.position += count;
    return at;
  }

  #take(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  #text(count: number): string {
    return new TextDecoder().decode(this.#take(count));
  }

  #line(): string {
    const end = this.#bytes.subarray(this.position, this.position + MOST_LINE).indexOf(0x0a);
    if (end === -1) throw new Error('its pickle is damaged');
    const text = this.#text(end);
    this.#advance(1);
    return text;
  }

  #decimal(line: string): PickleValue {
    // Protocol 0 writes truth so.
    if (line === '00' || line === '01') return line === '01';
    if (!/^-?\d{1,40}$/.test(line)) throw new Error('its pickle is damaged');
    return narrow(BigInt(line));
  }

  /** A whole number of `count` bytes, little endian, two's complement. */
  #long(count: number): PickleValue {
    if (count > MOST_INTEGER_BYTES) throw new Error(`its pickle holds a number of ${count} bytes`);
    const digits = this.#take(count).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return narrow(BigInt.asIntN(8 * count, digits));
  }
}

function narrow(value: bigint): PickleValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
