// 8-bit to 8-bit separable resampling in integers. Samples are centred (value - 128); a row that went through the horizontal
// pass has 7 fractional bits in int16; coefficients have 14. Only the rows that the vertical pass needs are kept, in a ring.

import { ROW_POINTERS, TAIL } from './scratch';

/** Widens a row of samples to centred int16 and repeats its ends. `row` is where sample 0 goes. */
// @ts-ignore: decorator
@inline
function widenRow(source: usize, width: i32, row: usize, padLeft: i32, padRight: i32): void {
  const flip = i8x16.splat(-128);
  let x = 0;
  for (; x + 16 <= width; x += 16) {
    const v = v128.xor(v128.load(source + x), flip);
    v128.store(row + (<usize>x << 1), i16x8.extend_low_i8x16_s(v));
    v128.store(row + (<usize>x << 1), i16x8.extend_high_i8x16_s(v), 16);
  }
  for (; x < width; x++) store<i16>(row + (<usize>x << 1), <i16>(<i32>load<u8>(source + x) - 128));
  const first = load<i16>(row);
  for (let i = 1; i <= padLeft; i++) store<i16>(row - (<usize>i << 1), first);
  const end = row + (<usize>width << 1);
  const last = load<i16>(end - 2);
  for (let i = 0; i < padRight; i++) store<i16>(end + (<usize>i << 1), last);
}

/** Adds neighbours: (a0+a1, a2+a3, b0+b1, b2+b3). */
// @ts-ignore: decorator
@inline
function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(i32x4.shuffle(a, b, 0, 2, 4, 6), i32x4.shuffle(a, b, 1, 3, 5, 7));
}

/** To 7 fractional bits, rounded. */
// @ts-ignore: decorator
@inline
function scaleRow(sum: v128): v128 {
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat(64)), 7);
}

/** Horizontal pass with 4 taps a sample: two samples share a vector. */
// @ts-ignore: decorator
@inline
function filterRow4(row: usize, out: usize, width: i32, starts: usize, coefficients: usize): void {
  for (let x = 0; x < width; x += 8) {
    let a = v128.load64_zero(row + load<u32>(starts));
    a = v128.load64_lane(row + load<u32>(starts, 4), a, 1);
    let b = v128.load64_zero(row + load<u32>(starts, 8));
    b = v128.load64_lane(row + load<u32>(starts, 12), b, 1);
    let c = v128.load64_zero(row + load<u32>(starts, 16));
    c = v128.load64_lane(row + load<u32>(starts, 20), c, 1);
    let d = v128.load64_zero(row + load<u32>(starts, 24));
    d = v128.load64_lane(row + load<u32>(starts, 28), d, 1);
    const low = addPairs(
      i32x4.dot_i16x8_s(a, v128.load(coefficients)),
      i32x4.dot_i16x8_s(b, v128.load(coefficients, 16)),
    );
    const high = addPairs(
      i32x4.dot_i16x8_s(c, v128.load(coefficients, 32)),
      i32x4.dot_i16x8_s(d, v128.load(coefficients, 48)),
    );
    v128.store(out, i16x8.narrow_i32x4_s(scaleRow(low), scaleRow(high)));
    out += 16;
    starts += 32;
    coefficients += 64;
  }
}

// @ts-ignore: decorator
@inline
function sumTaps(at: usize, coefficients: usize, tapBytes: usize): v128 {
  let sum = i32x4.dot_i16x8_s(v128.load(at), v128.load(coefficients));
  for (let i: usize = 16; i < tapBytes; i += 16) {
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(at + i), v128.load(coefficients + i)));
  }
  return sum;
}

/** Horizontal pass with a multiple of 8 taps a sample. */
// @ts-ignore: decorator
@inline
function filterRow8(row: usize, out: usize, width: i32, starts: usize, coefficients: usize, taps: i32): void {
  const tapBytes = <usize>taps << 1;
  for (let x = 0; x < width; x += 4) {
    const a = sumTaps(row + load<u32>(starts), coefficients, tapBytes);
    const b = sumTaps(row + load<u32>(starts, 4), coefficients + tapBytes, tapBytes);
    const c = sumTaps(row + load<u32>(starts, 8), coefficients + 2 * tapBytes, tapBytes);
    const d = sumTaps(row + load<u32>(starts, 12), coefficients + 3 * tapBytes, tapBytes);
    const sum = scaleRow(addPairs(addPairs(a, b), addPairs(c, d)));
    v128.store64_lane(out, i16x8.narrow_i32x4_s(sum, sum), 0);
    out += 8;
    starts += 16;
    coefficients += 4 * tapBytes;
  }
}

/** Results of 16 samples from their sums with 21 fractional bits; the sums start from `BIAS`. */
// @ts-ignore: decorator
@inline
function packSums(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(i32x4.shr_s(a, 21), i32x4.shr_s(b, 21)),
    i16x8.narrow_i32x4_s(i32x4.shr_s(c, 21), i32x4.shr_s(d, 21)),
  );
}

/** Undoes the centring and rounds. */
// @ts-ignore: decorator
@inline
const BIAS: i32 = (128 << 21) + (1 << 20);

// @ts-ignore: decorator
@inline
function storePart(target: usize, value: v128, count: i32): void {
  if (count >= 16) {
    v128.store(target, value);
  } else {
    // A whole vector would reach into the next row, or past the plane.
    v128.store(TAIL, value);
    memory.copy(target, TAIL, count);
  }
}

// @ts-ignore: decorator
@inline
function dotLow(a: v128, b: v128, pair: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11), pair);
}

// @ts-ignore: decorator
@inline
function dotHigh(a: v128, b: v128, pair: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15), pair);
}

/** Vertical pass over one output row with 2 taps. */
function combineRows2(target: usize, width: i32, coefficients: usize): void {
  const bias = i32x4.splat(BIAS);
  const p = <usize>load<u32>(ROW_POINTERS);
  const q = <usize>load<u32>(ROW_POINTERS, 4);
  const k = v128.load32_splat(coefficients);
  for (let x = 0; x < width; x += 16) {
    const at = <usize>x << 1;
    const p0 = v128.load(p + at);
    const q0 = v128.load(q + at);
    const p1 = v128.load(p + at, 16);
    const q1 = v128.load(q + at, 16);
    const a = i32x4.add(bias, dotLow(p0, q0, k));
    const b = i32x4.add(bias, dotHigh(p0, q0, k));
    const c = i32x4.add(bias, dotLow(p1, q1, k));
    const d = i32x4.add(bias, dotHigh(p1, q1, k));
    storePart(target + x, packSums(a, b, c, d), width - x);
  }
}

/** Vertical pass over one output row with 4 taps. */
function combineRows4(target: usize, width: i32, coefficients: usize): void {
  const bias = i32x4.splat(BIAS);
  const p = <usize>load<u32>(ROW_POINTERS);
  const q = <usize>load<u32>(ROW_POINTERS, 4);
  const r = <usize>load<u32>(ROW_POINTERS, 8);
  const s = <usize>load<u32>(ROW_POINTERS, 12);
  const k = v128.load32_splat(coefficients);
  const l = v128.load32_splat(coefficients, 4);
  for (let x = 0; x < width; x += 16) {
    const at = <usize>x << 1;
    const p0 = v128.load(p + at);
    const q0 = v128.load(q + at);
    const r0 = v128.load(r + at);
    const s0 = v128.load(s + at);
    const a = i32x4.add(i32x4.add(bias, dotLow(p0, q0, k)), dotLow(r0, s0, l));
    const b = i32x4.add(i32x4.add(bias, dotHigh(p0, q0, k)), dotHigh(r0, s0, l));
    const p1 = v128.load(p + at, 16);
    const q1 = v128.load(q + at, 16);
    const r1 = v128.load(r + at, 16);
    const s1 = v128.load(s + at, 16);
    const c = i32x4.add(i32x4.add(bias, dotLow(p1, q1, k)), dotLow(r1, s1, l));
    const d = i32x4.add(i32x4.add(bias, dotHigh(p1, q1, k)), dotHigh(r1, s1, l));
    storePart(target + x, packSums(a, b, c, d), width - x);
  }
}

/** Vertical pass over one output row with any even number of taps. */
function combineRows(target: usize, width: i32, coefficients: usize, taps: i32): void {
  const bias = i32x4.splat(BIAS);
  const tapBytes = <usize>taps << 1;
  for (let x = 0; x < width; x += 16) {
    const at = <usize>x << 1;
    let a = bias;
    let b = bias;
    let c = bias;
    let d = bias;
    for (let i: usize = 0; i < tapBytes; i += 4) {
      const pointers = ROW_POINTERS + (i << 1);
      const p = <usize>load<u32>(pointers) + at;
      const q = <usize>load<u32>(pointers, 4) + at;
      const k = v128.load32_splat(coefficients + i);
      const p0 = v128.load(p);
      const q0 = v128.load(q);
      const p1 = v128.load(p, 16);
      const q1 = v128.load(q, 16);
      a = i32x4.add(a, dotLow(p0, q0, k));
      b = i32x4.add(b, dotHigh(p0, q0, k));
      c = i32x4.add(c, dotLow(p1, q1, k));
      d = i32x4.add(d, dotHigh(p1, q1, k));
    }
    storePart(target + x, packSums(a, b, c, d), width - x);
  }
}

/**
 * Resamples one plane.
 *
 * @param row - Where sample 0 of the widened source row goes; `padLeft` samples before and `padRight` after belong to it.
 * @param ring - `verticalTaps` rows of `ringStride` bytes.
 * @param starts - For each output column the byte offset of its first tap from the widened row's first padding sample.
 * @param horizontalTaps - 4, or a multiple of 8.
 * @param rowStarts - For each output row the source row of its first tap, may lie outside of the picture.
 * @param verticalTaps - Even, at most 4096.
 */
export function resampleBytes(
  source: usize,
  sourceWidth: i32,
  sourceHeight: i32,
  target: usize,
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
): void {
  const padded = row - (<usize>padLeft << 1);
  let next = 0;
  for (let y = 0; y < height; y++) {
    const first = load<i32>(rowStarts + (<usize>y << 2));
    const last = min(max(first + verticalTaps - 1, 0), sourceHeight - 1);
    next = max(next, min(max(first, 0), sourceHeight - 1));
    for (; next <= last; next++) {
      widenRow(source + <usize>next * sourceWidth, sourceWidth, row, padLeft, padRight);
      const out = ring + <usize>(next % verticalTaps) * ringStride;
      if (horizontalTaps == 4) filterRow4(padded, out, width, starts, coefficients);
      else filterRow8(padded, out, width, starts, coefficients, horizontalTaps);
    }
    for (let i = 0; i < verticalTaps; i++) {
      const at = min(max(first + i, 0), last);
      store<u32>(ROW_POINTERS + (<usize>i << 2), <u32>(ring + <usize>(at % verticalTaps) * ringStride));
    }
    const out = target + <usize>y * width;
    const k = rowCoefficients + (<usize>(y * verticalTaps) << 1);
    if (verticalTaps == 4) combineRows4(out, width, k);
    else if (verticalTaps == 2) combineRows2(out, width, k);
    else combineRows(out, width, k, verticalTaps);
  }
}
