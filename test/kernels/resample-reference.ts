/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is in range by construction */
import { buildFilterTaps, quantiseTaps, type FilterTaps } from '../../src/kernels/filter-taps.ts';
import type { ResamplerOptions } from '../../src/kernels/resample.ts';

type Samples = Uint8Array | Uint16Array;

/** What `Resampler` must give bit for bit: the same arithmetic, written plainly. */
export function resampleReference(source: Samples, options: ResamplerOptions): Samples {
  const { from, to } = options;
  return from.bits === 8 && to.bits === 8
    ? resampleIntegers(source, options)
    : resampleSingles(source, options);
}

function resampleIntegers(source: Samples, { from, to, filter, mapping }: ResamplerOptions): Uint8Array {
  const columns = buildFilterTaps(filter, from.width, to.width, mapping?.x);
  const rows = buildFilterTaps(filter, from.height, to.height, mapping?.y);
  const columnWeights = quantiseTaps(columns);
  const rowWeights = quantiseTaps(rows);
  const between = new Int32Array(to.width * from.height);
  for (let y = 0; y < from.height; y++) {
    for (let j = 0; j < to.width; j++) {
      let sum = 64;
      for (let k = 0; k < columns.taps; k++) {
        const x = clamp(columns.starts[j]! + k, from.width);
        sum += (source[y * from.width + x]! - 128) * columnWeights[j * columns.taps + k]!;
      }
      between[y * to.width + j] = sum >> 7;
    }
  }
  const result = new Uint8Array(to.width * to.height);
  for (let i = 0; i < to.height; i++) {
    for (let x = 0; x < to.width; x++) {
      let sum = (128 << 21) + (1 << 20);
      for (let k = 0; k < rows.taps; k++) {
        const y = clamp(rows.starts[i]! + k, from.height);
        sum += between[y * to.width + x]! * rowWeights[i * rows.taps + k]!;
      }
      result[i * to.width + x] = Math.min(Math.max(sum >> 21, 0), 255);
    }
  }
  return result;
}

function resampleSingles(source: Samples, options: ResamplerOptions): Samples {
  const { from, to, filter, mapping } = options;
  const f = Math.fround;
  const columns = buildFilterTaps(filter, from.width, to.width, mapping?.x);
  const rows = buildFilterTaps(filter, from.height, to.height, mapping?.y);
  const between = new Float32Array(to.width * from.height);
  for (let y = 0; y < from.height; y++) {
    for (let j = 0; j < to.width; j++) {
      // Four running sums, tap k in sum k % 4, as the lanes of a vector have them.
      const sums = [0, 0, 0, 0];
      for (let k = 0; k < Math.ceil(columns.taps / 4) * 4; k++) {
        const x = clamp(columns.starts[j]! + k, from.width);
        const weight = k < columns.taps ? columns.coefficients[j * columns.taps + k]! : 0;
        sums[k % 4] = f(sums[k % 4]! + f(source[y * from.width + x]! * f(weight)));
      }
      between[y * to.width + j] = f(f(sums[0]! + sums[1]!) + f(sums[2]! + sums[3]!));
    }
  }
  const change = changeDepth(options);
  const [gain, bias] = [f(change.gain), f(change.bias)];
  const limit = 2 ** to.bits - 1;
  const result = to.bits > 8 ? new Uint16Array(to.width * to.height) : new Uint8Array(to.width * to.height);
  for (let i = 0; i < to.height; i++) {
    for (let x = 0; x < to.width; x++) {
      let sum = 0;
      for (let k = 0; k < rows.taps; k++) {
        const y = clamp(rows.starts[i]! + k, from.height);
        const term = f(between[y * to.width + x]! * f(rows.coefficients[i * rows.taps + k]!));
        sum = k === 0 ? term : f(sum + term);
      }
      const value = Math.min(Math.max(f(f(sum * gain) + bias), 0), limit);
      result[i * to.width + x] = Math.floor(f(value + 0.5));
    }
  }
  return result;
}

/** The result without any rounding, in double precision: what the arithmetic above approaches. */
export function resampleExactly(source: Samples, options: ResamplerOptions): Float64Array {
  const { from, to, filter, mapping } = options;
  const columns = buildFilterTaps(filter, from.width, to.width, mapping?.x);
  const rows = buildFilterTaps(filter, from.height, to.height, mapping?.y);
  const between = new Float64Array(to.width * from.height);
  for (let y = 0; y < from.height; y++) {
    for (let j = 0; j < to.width; j++) {
      between[y * to.width + j] = weigh(columns, j, from.width, (x) => source[y * from.width + x]!);
    }
  }
  const { gain, bias } = changeDepth(options);
  const result = new Float64Array(to.width * to.height);
  for (let i = 0; i < to.height; i++) {
    for (let x = 0; x < to.width; x++) {
      const value = bias + gain * weigh(rows, i, from.height, (y) => between[y * to.width + x]!);
      result[i * to.width + x] = Math.min(Math.max(value, 0), 2 ** to.bits - 1);
    }
  }
  return result;
}

function weigh(axis: FilterTaps, j: number, length: number, read: (at: number) => number): number {
  let sum = 0;
  for (let k = 0; k < axis.taps; k++) {
    sum += read(clamp(axis.starts[j]! + k, length)) * axis.coefficients[j * axis.taps + k]!;
  }
  return sum;
}

function clamp(at: number, length: number): number {
  return Math.min(Math.max(at, 0), length - 1);
}

/** `value * gain + bias` brings code values from one depth to the other. */
export function changeDepth({ from, to, ...options }: ResamplerOptions): { gain: number; bias: number } {
  if (options.fullRangeDepthChange !== true) return { gain: 2 ** (to.bits - from.bits), bias: 0 };
  const gain = (2 ** to.bits - 1) / (2 ** from.bits - 1);
  const [middle, newMiddle] = [2 ** (from.bits - 1), 2 ** (to.bits - 1)];
  return { gain, bias: options.isChroma === true ? newMiddle - middle * gain : 0 };
}
