/** What the word before a block of weights says of how they are stored. */
const FLAG = { float16: 0x01306b47, int8: 0x000d4b38, float32: 0x0002c056 } as const;
const TABLE_LENGTH = 256;

/**
 * Reads weights one after another from an ncnn `.bin`, which holds nothing but them: their number and order follow from the
 * layers. All methods throw an `Error` that says what is wrong, before anything is allocated.
 */
export class BinReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  /** `count` plain float32 numbers: biases, slopes, the numbers of normalisations. */
  readPlain(count: number): Float32Array {
    const start = this.#advance(count, 4);
    return Float32Array.from({ length: count }, (_, i) => this.#view.getFloat32(start + 4 * i, true));
  }

  /** `count` numbers behind a word that names their kind: float32, float16, or indices into a table of 256 values. */
  readTagged(count: number): Float32Array {
    const flag = this.#view.getUint32(this.#advance(1, 4), true);
    if (flag === FLAG.int8) throw new Error('its weights are int8, which only ncnn can compute with');
    if (flag === FLAG.float16) {
      const start = this.#advance(count, 2);
      return Float32Array.from({ length: count }, (_, i) =>
        toFloat(this.#view.getUint16(start + 2 * i, true)),
      );
    }
    if (flag === 0 || flag === FLAG.float32) return this.readPlain(count);
    if (this.remaining < 4 * TABLE_LENGTH + count) throw new Error(describeShort(count));
    const table = this.readPlain(TABLE_LENGTH);
    const start = this.#advance(count, 1);
    return Float32Array.from({ length: count }, (_, i) => table[this.#bytes[start + i] ?? 0] ?? 0);
  }

  /** Moves past `count` elements, padded to whole words, and returns where they start. */
  #advance(count: number, bytesPerElement: number): number {
    const length = Math.ceil((count * bytesPerElement) / 4) * 4;
    if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining) {
      throw new Error(describeShort(count));
    }
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}

function describeShort(count: number): string {
  return `its weights are cut short (${count} more are needed)`;
}

/** An IEEE 754 half as a number. */
function toFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
