/** The largest number that a half holds; what is larger becomes infinite. */
export const LARGEST_HALF = 65504;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** Rounds numbers to halves (IEEE 754 binary16, to the nearest, ties to even), as their 16 bits. */
export function toHalves(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, toHalf);
}

/** The numbers that halves stand for. */
export function fromHalves(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, fromHalf);
}

function toHalf(value: number): number {
  float[0] = value;
  const bits = word[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // Halfway between the largest half and what would come next.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below the smallest normal half steps are all the same size.
  if (magnitude < 0x38800000) return sign | roundToEven(Math.abs(value) * 2 ** 24);
  const rounded = magnitude + 0x0fff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
