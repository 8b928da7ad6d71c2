// Separable resampling in float32 for every depth but 8 to 8 bit. float32 holds a 16-bit sample with 8 bits to spare, enough
// for both passes. Sums are taken in a fixed order, so that the plain reference gives the same bits.

import { ROW_POINTERS, TAIL } from './scratch';

/** Converts a row to float32 and repeats its ends. `row` is where sample 0 goes. */
// @ts-ignore: decorator
@inline
function widenRow(source: usize, isWide: bool, width: i32, row: usize, padLeft: i32, padRight: i32): void {
  let x = 0;
  if (isWide) {
    for (; x + 4 <= width; x += 4) {
      v128.store(row + (<usize>x << 2), f32x4.convert_i32x4_u(v128.load16x4_u(source + (<usize>x << 1))));
    }
    for (; x < width; x++) store<f32>(row + (<usize>x << 2), <f32>load<u16>(source + (<usize>x << 1)));
  } else {
    for (; x + 8 <= width; x += 8) {
      const v = v128.load8x8_u(source + x);
      v128.store(row + (<usize>x << 2), f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(v)));
      v128.store(row + (<usize>x << 2), f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(v)), 16);
    }
    for (; x < width; x++) store<f32>(row + (<usize>x << 2), <f32>load<u8>(source + x));
  }
  const first = load<f32>(row);
  for (let i = 1; i <= padLeft; i++) store<f32>(row - (<usize>i << 2), first);
  const end = row + (<usize>width << 2);
  const last = load<f32>(end - 4);
  for (let i = 0; i < padRight; i++) store<f32>(end + (<usize>i << 2), last);
}

// @ts-ignore: decorator
@inline
function addPairs(a: v128, b: v128): v128 {
  return f32x4.add(f32x4.shuffle(a, b, 0, 2, 4, 6), f32x4.shuffle(a, b, 1, 3, 5, 7));
}

// @ts-ignore: decorator
@inline
function sumTaps(at: usize, coefficients: usize, tapBytes: usize): v128 {
  let sum = f32x4.mul(v128.load(at), v128.load(coefficients));
  for (let i: usize = 16; i < tapBytes; i += 16) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(at + i), v128.load(coefficients + i)));
  }
  return sum;
}

/** Horizontal pass with a multiple of 4 taps a sample. */
// @ts-ignore: decorator
@inline
function filterRow(row: usize, out: usize, width: i32, starts: usize, coefficients: usize, taps: i32): void {
  const tapBytes = <usize>taps << 2;
  for (let x = 0; x < width; x += 4) {
    const a = sumTaps(row + load<u32>(starts), coefficients, tapBytes);
    const b = sumTaps(row + load<u32>(starts, 4), coefficients + tapBytes, tapBytes);
    const c = sumTaps(row + load<u32>(starts, 8), coefficients + 2 * tapBytes, tapBytes);
    const d = sumTaps(row + load<u32>(starts, 12), coefficients + 3 * tapBytes, tapBytes);
    v128.store(out, addPairs(addPairs(a, b), addPairs(c, d)));
    out += 16;
    starts += 16;
    coefficients += 4 * tapBytes;
  }
}

/** Scales to the output's depth, clamps, rounds halves up. */
// @ts-ignore: decorator
@inline
function roundSum(sum: v128, gain: v128, bias: v128, limit: v128): v128 {
  const scaled = f32x4.add(f32x4.mul(sum, gain), bias);
  const value = f32x4.min(f32x4.max(scaled, f32x4.splat(0)), limit);
  return i32x4.trunc_sat_f32x4_u(f32x4.add(value, f32x4.splat(0.5)));
}

// @ts-ignore: decorator
@inline
function storePart(target: usize, value: v128, whole: i32, count: i32, sampleShift: i32): void {
  if (count >= whole) {
    v128.store(target, value);
  } else if (count > 0) {
    // A whole vector would reach into the next row, or past the plane.
    v128.store(TAIL, value);
    memory.copy(target, TAIL, <usize>(count << sampleShift));
  }
}

/** Vertical pass over one output row. */
// @ts-ignore: decorator
@inline
function combineRows(
  target: usize,
  isWide: bool,
  width: i32,
  coefficients: usize,
  taps: i32,
  gain: v128,
  bias: v128,
  limit: v128,
): void {
  const tapBytes = <usize>taps << 2;
  for (let x = 0; x < width; x += 16) {
    const at = <usize>x << 2;
    const p = <usize>load<u32>(ROW_POINTERS) + at;
    const k = v128.load32_splat(coefficients);
    let a = f32x4.mul(v128.load(p), k);
    let b = f32x4.mul(v128.load(p, 16), k);
    let c = f32x4.mul(v128.load(p, 32), k);
    let d = f32x4.mul(v128.load(p, 48), k);
    for (let i: usize = 4; i < tapBytes; i += 4) {
      const p = <usize>load<u32>(ROW_POINTERS + i) + at;
      const k = v128.load32_splat(coefficients + i);
      a = f32x4.add(a, f32x4.mul(v128.load(p), k));
      b = f32x4.add(b, f32x4.mul(v128.load(p, 16), k));
      c = f32x4.add(c, f32x4.mul(v128.load(p, 32), k));
      d = f32x4.add(d, f32x4.mul(v128.load(p, 48), k));
    }
    const low = i16x8.narrow_i32x4_u(roundSum(a, gain, bias, limit), roundSum(b, gain, bias, limit));
    const high = i16x8.narrow_i32x4_u(roundSum(c, gain, bias, limit), roundSum(d, gain, bias, limit));
    if (isWide) {
      const out = target + (<usize>x << 1);
      storePart(out, low, 8, width - x, 1);
      storePart(out + 16, high, 8, width - x - 8, 1);
    } else {
      storePart(target + x, i8x16.narrow_i16x8_u(low, high), 16, width - x, 0);
    }
  }
}

/**
 * Resamples one plane. Parameters as for `resampleBytes`, with float32 rows and coefficients; `horizontalTaps` is a multiple
 * of 4, `verticalTaps` any number up to 4096.
 *
 * @param sourceWide - Source samples are uint16 (else uint8).
 * @param gain - What the result is multiplied with: the step between the depths.
 * @param bias - What is added after that.
 * @param limit - Largest output value.
 */
export function resampleFloats(
  source: usize,
  sourceWide: bool,
  sourceWidth: i32,
  sourceHeight: i32,
  target: usize,
  targetWide: bool,
  width: i32,
  height: i32,
  row: usize,
  padLeft: i32,
  padRight: i32,
  ring: usize,
  ringStride: usize,
  starts: usize,
  coefficients: usize,
  horizontalTaps: i32,
  rowStarts: usize,
  rowCoefficients: usize,
  verticalTaps: i32,
  gain: f32,
  bias: f32,
  limit: f32,
): void {
  const padded = row - (<usize>padLeft << 2);
  const gains = f32x4.splat(gain);
  const biases = f32x4.splat(bias);
  const limits = f32x4.splat(limit);
  const sourceStride = <usize>sourceWidth << <usize>sourceWide;
  const targetStride = <usize>width << <usize>targetWide;
  let next = 0;
  for (let y = 0; y < height; y++) {
    const first = load<i32>(rowStarts + (<usize>y << 2));
    const last = min(max(first + verticalTaps - 1, 0), sourceHeight - 1);
    next = max(next, min(max(first, 0), sourceHeight - 1));
    for (; next <= last; next++) {
      widenRow(source + <usize>next * sourceStride, sourceWide, sourceWidth, row, padLeft, padRight);
      const out = ring + <usize>(next % verticalTaps) * ringStride;
      filterRow(padded, out, width, starts, coefficients, horizontalTaps);
    }
    for (let i = 0; i < verticalTaps; i++) {
      const at = min(max(first + i, 0), last);
      store<u32>(ROW_POINTERS + (<usize>i << 2), <u32>(ring + <usize>(at % verticalTaps) * ringStride));
    }
    const k = rowCoefficients + (<usize>(y * verticalTaps) << 2);
    combineRows(target + <usize>y * targetStride, targetWide, width, k, verticalTaps, gains, biases, limits);
  }
}
