/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is in range by construction */

type Samples = Uint8Array | Uint16Array;

export interface BlendInput {
  readonly width: number;
  readonly height: number;
  readonly shift: number;
  readonly fraction: number;
  readonly thresholds: Int16Array;
  readonly current: Samples;
  readonly previous: Samples;
  readonly next: Samples;
  /** Trust of blocks of 2^log2Block samples, 0..32767. */
  readonly previousTrust: Int16Array;
  readonly nextTrust: Int16Array;
  readonly log2Block: readonly [x: number, y: number];
}

/** What the `blendPlane` kernel must give bit for bit, written plainly. */
export function blendReference(input: BlendInput): Samples {
  const { width, height, current, previous, next, previousTrust, nextTrust, fraction } = input;
  const result = current.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const change =
        weighNeighbour(input, previous, previousTrust, x, y) + weighNeighbour(input, next, nextTrust, x, y);
      result[y * width + x] = current[y * width + x]! + ((change + ((1 << fraction) >> 1)) >> fraction);
    }
  }
  return result;
}

function weighNeighbour(
  input: BlendInput,
  other: Samples,
  blockTrust: Int16Array,
  x: number,
  y: number,
): number {
  const { width, height, shift, thresholds: t, current } = input;
  let absolute = 0;
  let signed = 0;
  for (let dy = -2; dy <= 2; dy++) {
    for (let dx = -2; dx <= 2; dx++) {
      const at = clamp(y + dy, height) * width + clamp(x + dx, width);
      const difference = (other[at]! >> shift) - (current[at]! >> shift);
      absolute += Math.abs(difference);
      signed += difference;
    }
  }
  const at = y * width + x;
  const own = Math.abs((other[at]! >> shift) - (current[at]! >> shift)) * 16;
  let weight = trust(absolute, t[0]!, t[1]!, t[2]!);
  weight = multiply(weight, trust(Math.abs(signed), t[3]!, t[4]!, t[5]!));
  weight = multiply(weight, trust(own, t[6]!, t[7]!, t[8]!));
  const [log2Width, log2Height] = input.log2Block;
  const columns = Math.ceil(width / 2 ** log2Width);
  weight = multiply(weight, multiply(blockTrust[(y >> log2Height) * columns + (x >> log2Width)]!, t[9]!));
  const around: number[] = [];
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++)
      around.push(current[clamp(y + dy, height) * width + clamp(x + dx, width)]!);
  }
  const least = Math.max(0, Math.min(...around) - t[11]!);
  const most = Math.min(0xffff, Math.max(...around) + t[11]!);
  const difference = Math.min(Math.max(other[at]!, least), most) - current[at]!;
  const reach = t[10]!;
  return multiply(Math.min(Math.max(difference, -reach), reach) * 2 ** input.fraction, weight);
}

function trust(value: number, limit: number, span: number, slope: number): number {
  return Math.min(Math.max(limit - value, 0), span) * slope;
}

/** Product of fractions of 2^15, rounded. */
function multiply(a: number, b: number): number {
  return (a * b + 0x4000) >> 15;
}

function clamp(at: number, length: number): number {
  return Math.min(Math.max(at, 0), length - 1);
}

/** What the `measureBlocks` kernel must write. */
export function measureReference(
  input: Pick<BlendInput, 'width' | 'height' | 'shift' | 'current' | 'previous' | 'next'>,
  step: number,
): number[] {
  const { width, height, shift, current, previous, next } = input;
  const results: number[] = [];
  const read = (samples: Samples, x: number, y: number): number => samples[y * width + x]! >> shift;
  const curve = (x: number, y: number): number =>
    read(current, x - 2, y) - 2 * read(current, x, y) + read(current, x + 2, y);
  for (let top = 2; top + 18 <= height; top += step) {
    for (let left = 2; left + 18 <= width; left += step) {
      const sums = [0, 0, 0, 0];
      for (let y = top; y < top + 16; y++) {
        for (let x = left; x < left + 16; x++) {
          const value = read(current, x, y);
          sums[0]! += value;
          sums[1]! += Math.abs(value - read(previous, x, y));
          sums[2]! += Math.abs(value - read(next, x, y));
          sums[3]! += Math.abs(curve(x, y - 2) - 2 * curve(x, y) + curve(x, y + 2));
        }
      }
      results.push(...sums);
    }
  }
  return results;
}
