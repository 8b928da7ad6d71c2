// Brings a plane along motion vectors, block by block, with filters of 6 taps.
import { PATCH_AT, PATCH_ROWS, TAIL } from './scratch';

/** Phases of the filter: sixteenths of a sample. */
const PHASES: i32 = 16;
const TAPS: i32 = 6;
/** Rows and columns before a block that its filter reads, and after it. */
const BEFORE: i32 = 2;
const AFTER: i32 = 3;
/** Columns and rows of a block, with what the filters read around it. */
const PATCH: i32 = 8 + BEFORE + AFTER;
/** Samples between the rows of a patch: what the last vector of a row reads past its end, too. */
const PATCH_STRIDE: i32 = 32;

/** int16 lanes of full scale: a sample of `bits` minus half, times 2^(16 - bits). */
// @ts-ignore: decorator
@inline
function loadWide(at: usize, up: i32): v128 {
  return v128.xor(i16x8.shl(v128.load(at), up), i16x8.splat(-32768));
}

/** Taps k and k + 1, in turns. */
// @ts-ignore: decorator
@inline
function tapPair(filter: usize, k: usize): v128 {
  return v128.load32_splat(filter + (k << 1));
}

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Six vectors weighed by three pairs of taps, rounded by `half` and shifted. */
// @ts-ignore: decorator
@inline
function weigh(
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  e: v128,
  f: v128,
  first: v128,
  second: v128,
  third: v128,
  half: v128,
  shift: i32,
): v128 {
  const low = i32x4.add(
    i32x4.add(half, i32x4.dot_i16x8_s(lowPairs(a, b), first)),
    i32x4.add(i32x4.dot_i16x8_s(lowPairs(c, d), second), i32x4.dot_i16x8_s(lowPairs(e, f), third)),
  );
  const high = i32x4.add(
    i32x4.add(half, i32x4.dot_i16x8_s(highPairs(a, b), first)),
    i32x4.add(i32x4.dot_i16x8_s(highPairs(c, d), second), i32x4.dot_i16x8_s(highPairs(e, f), third)),
  );
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift));
}

/** The first pass: rows of 8 samples, times 64 for bytes, of full scale for words. */
function filterRows<T>(at: usize, step: usize, count: i32, filter: usize, up: i32): void {
  const end = PATCH_ROWS + (<usize>count << 4);
  if (sizeof<T>() == 1) {
    const tap0 = v128.load16_splat(filter);
    const tap1 = v128.load16_splat(filter, 2);
    const tap2 = v128.load16_splat(filter, 4);
    const tap3 = v128.load16_splat(filter, 6);
    const tap4 = v128.load16_splat(filter, 8);
    const tap5 = v128.load16_splat(filter, 10);
    for (let to = PATCH_ROWS; to < end; to += 16) {
      const left = i16x8.add(
        i16x8.add(i16x8.mul(v128.load8x8_u(at), tap0), i16x8.mul(v128.load8x8_u(at, 1), tap1)),
        i16x8.mul(v128.load8x8_u(at, 2), tap2),
      );
      const right = i16x8.add(
        i16x8.add(i16x8.mul(v128.load8x8_u(at, 3), tap3), i16x8.mul(v128.load8x8_u(at, 4), tap4)),
        i16x8.mul(v128.load8x8_u(at, 5), tap5),
      );
      v128.store(to, i16x8.add(left, right));
      at += step;
    }
    return;
  }
  const first = tapPair(filter, 0);
  const second = tapPair(filter, 2);
  const third = tapPair(filter, 4);
  const half = i32x4.splat(32);
  for (let to = PATCH_ROWS; to < end; to += 16) {
    const samples = weigh(
      loadWide(at, up),
      loadWide(at + 2, up),
      loadWide(at + 4, up),
      loadWide(at + 6, up),
      loadWide(at + 8, up),
      loadWide(at + 10, up),
      first,
      second,
      third,
      half,
      6,
    );
    v128.store(to, samples);
    at += step;
  }
}

// @ts-ignore: decorator
@inline
function storeSamples<T>(at: usize, samples: v128, count: i32): void {
  const packed = sizeof<T>() == 1 ? i8x16.narrow_i16x8_u(samples, samples) : samples;
  const bytes = count * sizeof<T>();
  if (bytes == 16) v128.store(at, packed);
  else if (bytes == 8) v128.store64_lane(at, packed, 0);
  else if (bytes == 4) v128.store32_lane(at, packed, 0);
  else {
    v128.store(TAIL, packed);
    memory.copy(at, TAIL, bytes);
  }
}

/** The second pass, into the target. */
function filterColumns<T>(to: usize, stride: usize, lines: i32, count: i32, filter: usize, up: i32): void {
  const first = tapPair(filter, 0);
  const second = tapPair(filter, 2);
  const third = tapPair(filter, 4);
  const shift = sizeof<T>() == 1 ? 12 : 6;
  const half = i32x4.splat(1 << (shift - 1));
  let a = v128.load(PATCH_ROWS);
  let b = v128.load(PATCH_ROWS, 16);
  let c = v128.load(PATCH_ROWS, 32);
  let d = v128.load(PATCH_ROWS, 48);
  let e = v128.load(PATCH_ROWS, 64);
  const end = PATCH_ROWS + (<usize>lines << 4);
  for (let rows = PATCH_ROWS; rows < end; rows += 16) {
    const f = v128.load(rows, 80);
    let samples = weigh(a, b, c, d, e, f, first, second, third, half, shift);
    if (sizeof<T>() == 2) {
      samples = v128.xor(samples, i16x8.splat(-32768));
      if (up > 0) samples = i16x8.shr_u(i16x8.add_sat_u(samples, i16x8.splat(<i16>(<i32>1 << (up - 1)))), up);
    }
    storeSamples<T>(to, samples, count);
    to += stride;
    a = b;
    b = c;
    c = d;
    d = e;
    e = f;
  }
}

/** Blocks of a row from `column` on that move alike. */
function countAlike(vectors: usize, column: i32, columns: i32): i32 {
  const vector = load<i32>(vectors + (<usize>column << 2));
  let next = column + 1;
  while (next < columns && load<i32>(vectors + (<usize>next << 2)) == vector) next++;
  return next - column;
}

/** Copies the surroundings of a block, the edge of the plane repeated. */
function copyPatch<T>(source: usize, width: i32, height: i32, left: i32, top: i32): void {
  for (let y = 0; y < PATCH; y++) {
    const row = source + <usize>(min(max(top + y, 0), height - 1) * width) * sizeof<T>();
    const to = PATCH_AT + <usize>(y * PATCH_STRIDE) * sizeof<T>();
    for (let x = 0; x < PATCH; x++) {
      const from = row + <usize>min(max(left + x, 0), width - 1) * sizeof<T>();
      store<T>(to + <usize>x * sizeof<T>(), load<T>(from));
    }
  }
}

function warp<T>(
  source: usize,
  width: i32,
  height: i32,
  log2Width: i32,
  log2Height: i32,
  vectors: usize,
  columns: i32,
  filters: usize,
  bits: i32,
  target: usize,
): void {
  const stride = <usize>width * sizeof<T>();
  const blockWidth = 8 >> log2Width;
  const blockHeight = 8 >> log2Height;
  const up = 16 - bits;
  for (let top = 0; top < height; top += blockHeight, vectors += <usize>columns << 2) {
    const lines = min(blockHeight, height - top);
    for (let column = 0, alike = 0; column < columns; column += alike) {
      alike = countAlike(vectors, column, columns);
      const vector = vectors + (<usize>column << 2);
      const vx = (<i32>load<i16>(vector) << 1) >> log2Width;
      const vy = (<i32>load<i16>(vector, 2) << 1) >> log2Height;
      const y = top + (vy >> 4) - BEFORE;
      const across = vx & (PHASES - 1);
      const down = vy & (PHASES - 1);
      const end = min((column + alike) * blockWidth, width);
      for (let left = column * blockWidth; left < end; left += 8) {
        const count = min(8, end - left);
        const x = left + (vx >> 4) - BEFORE;
        let to = target + <usize>top * stride + <usize>left * sizeof<T>();
        let at = source + <usize>(y * width + x) * sizeof<T>();
        let step = stride;
        // The vectors of a row read 8 samples from each tap on.
        if (x < 0 || y < 0 || x + 16 > width || y + PATCH > height) {
          copyPatch<T>(source, width, height, x, y);
          at = PATCH_AT;
          step = <usize>PATCH_STRIDE * sizeof<T>();
        }
        if (across == 0 && down == 0) {
          at += <usize>BEFORE * (step + sizeof<T>());
          for (let line = 0; line < lines; line++) {
            const samples = sizeof<T>() == 1 ? v128.load8x8_u(at) : v128.load(at);
            storeSamples<T>(to, samples, count);
            at += step;
            to += stride;
          }
          continue;
        }
        filterRows<T>(at, step, lines + TAPS - 1, filters + (<usize>(across * TAPS) << 1), up);
        filterColumns<T>(to, stride, lines, count, filters + (<usize>(down * TAPS) << 1), up);
      }
    }
  }
}

/**
 * Makes of a plane what it would be after motion: each block of 8 x 8 luma samples from where its vector points. Past the edge the plane goes
 * on as it ends.
 *
 * @param log2Width - Subsampling of the plane.
 * @param vectors - Two int16 a block, x and y in eighths of a luma sample.
 * @param columns - Blocks of a row.
 * @param filters - 16 phases of 6 int16 that sum up to 64.
 */
export function warpPlane(
  isWide: bool,
  source: usize,
  width: i32,
  height: i32,
  log2Width: i32,
  log2Height: i32,
  vectors: usize,
  columns: i32,
  filters: usize,
  bits: i32,
  target: usize,
): void {
  if (isWide) {
    warp<u16>(source, width, height, log2Width, log2Height, vectors, columns, filters, bits, target);
  } else {
    warp<u8>(source, width, height, log2Width, log2Height, vectors, columns, filters, bits, target);
  }
}
