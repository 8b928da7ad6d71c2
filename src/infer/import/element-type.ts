/** How numbers lie in a file of weights; little endian. */
export type ElementType = 'f64' | 'f32' | 'f16' | 'bf16' | 'i64' | 'i32' | 'i16' | 'i8' | 'u8';

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
};

/** The numbers of `bytes` as float32: a view where they are that already and lie on whole words, else a copy. */
export function toFloats(bytes: Uint8Array, type: ElementType): Float32Array {
  const count = bytes.byteLength / ELEMENT_BYTES[type];
  if (type === 'u8') return Float32Array.from(bytes);
  const { buffer, byteOffset } = bytes.byteOffset % ELEMENT_BYTES[type] === 0 ? bytes : new Uint8Array(bytes);
  switch (type) {
    case 'f32':
      return new Float32Array(buffer, byteOffset, count);
    case 'f64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, count));
    case 'f16':
      return widenHalves(new Uint16Array(buffer, byteOffset, count));
    case 'bf16': {
      const words = Uint32Array.from(new Uint16Array(buffer, byteOffset, count), (half) => half << 16);
      return new Float32Array(words.buffer);
    }
    case 'i64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, count), Number);
    case 'i32':
      return Float32Array.from(new Int32Array(buffer, byteOffset, count));
    case 'i16':
      return Float32Array.from(new Int16Array(buffer, byteOffset, count));
    case 'i8':
      return Float32Array.from(new Int8Array(buffer, byteOffset, count));
  }
}

/** IEEE 754 binary16 to binary32; every half has an exact float. */
function widenHalves(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}
