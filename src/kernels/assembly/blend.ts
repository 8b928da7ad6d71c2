// Temporal blending of one plane with the frame before and the frame after it, in int16 lanes. What to trust is decided in a
// domain of at most 10 bits (`shift` takes deeper samples there), so that sums over 5 x 5 samples fit; the blend itself is done
// at full depth.

/** Samples of padding before column 0 of the column sums; keeps vectors aligned. */
const PAD: usize = 16;

// @ts-ignore: decorator
@inline
function loadSamples<T>(at: usize, x: i32): v128 {
  return sizeof<T>() == 1 ? v128.load8x8_u(at + x) : v128.load(at + (<usize>x << 1));
}

/** In the domain of the comparison, where bytes are as they stand. */
// @ts-ignore: decorator
@inline
function loadCompared<T>(at: usize, x: i32, shift: i32): v128 {
  const samples = loadSamples<T>(at, x);
  return sizeof<T>() == 1 ? samples : i16x8.shr_u(samples, shift);
}

/** Adds a row's differences, without sign and with it, to the column sums, and takes those of the row `leaving` bytes before it away; none at 0. */
// @ts-ignore: decorator
@inline
function slideVector<T>(
  other: usize,
  current: usize,
  leaving: usize,
  x: i32,
  shift: i32,
  absolute: usize,
  signed: usize,
  lanes: v128,
): void {
  const at = <usize>x << 1;
  const entering = i16x8.sub(loadCompared<T>(other, x, shift), loadCompared<T>(current, x, shift));
  let bare = i16x8.abs(entering);
  let change = entering;
  if (leaving != 0) {
    const left = i16x8.sub(loadCompared<T>(other - leaving, x, shift), loadCompared<T>(current - leaving, x, shift));
    bare = i16x8.sub(bare, i16x8.abs(left));
    change = i16x8.sub(change, left);
  }
  v128.store(absolute + at, i16x8.add(v128.load(absolute + at), v128.and(bare, lanes)));
  v128.store(signed + at, i16x8.add(v128.load(signed + at), v128.and(change, lanes)));
}

/** Moves the column sums down by a row, then repeats them past both ends. */
function slideColumns<T>(
  other: usize,
  current: usize,
  leaving: usize,
  width: i32,
  shift: i32,
  absolute: usize,
  signed: usize,
): void {
  const all = i8x16.splat(-1);
  const whole = width & ~7;
  if (leaving != 0) {
    for (let x = 0; x < whole; x += 8) {
      slideVector<T>(other, current, leaving, x, shift, absolute, signed, all);
    }
  } else {
    for (let x = 0; x < whole; x += 8) slideVector<T>(other, current, 0, x, shift, absolute, signed, all);
  }
  const rest = width - whole;
  if (rest > 0) {
    // The last vector overlaps the one before it, whose sums are right already.
    const fresh = i16x8.gt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>(7 - rest)));
    slideVector<T>(other, current, leaving, width - 8, shift, absolute, signed, fresh);
  }
  padColumns(absolute, width);
  padColumns(signed, width);
}

/** Column sums for row 0: the rows above it are row 0 again. */
function startColumns<T>(
  other: usize,
  current: usize,
  rowBytes: usize,
  width: i32,
  height: i32,
  shift: i32,
  absolute: usize,
  signed: usize,
): void {
  memory.fill(absolute, 0, <usize>width << 1);
  memory.fill(signed, 0, <usize>width << 1);
  for (let i = -2; i <= 2; i++) {
    const row = <usize>min(max(i, 0), height - 1) * rowBytes;
    slideColumns<T>(other + row, current + row, 0, width, shift, absolute, signed);
  }
}

// @ts-ignore: decorator
@inline
function padColumns(sums: usize, width: i32): void {
  const first = load<i16>(sums);
  store<i16>(sums - 2, first);
  store<i16>(sums - 4, first);
  const end = sums + (<usize>width << 1);
  const last = load<i16>(end - 2);
  store<i16>(end, last);
  store<i16>(end, last, 2);
}

// @ts-ignore: decorator
@inline
function sumWindow(sums: usize, x: i32): v128 {
  const at = sums + (<usize>x << 1);
  const sides = i16x8.add(
    i16x8.add(v128.load(at - 4), v128.load(at - 2)),
    i16x8.add(v128.load(at + 2), v128.load(at + 4)),
  );
  return i16x8.add(sides, v128.load(at));
}

/** Where the numbers of one plane's blend stand in its work area, each in all lanes; see `BlendThresholds` on the other side. */
const NUMBERS: i32 = 12;
const MOST_WEIGHT: i32 = 9;
const REACH: i32 = 10;
const SLACK: i32 = 11;

// @ts-ignore: decorator
@inline
function splatOf(splats: usize, index: i32): v128 {
  return v128.load(splats + (<usize>index << 4));
}

/** 1 (in 1/32768) up to a limit less a span, falling to 0 at the limit; `value` is not negative. */
// @ts-ignore: decorator
@inline
function trust(value: v128, splats: usize, first: i32): v128 {
  const left = i16x8.sub_sat_u(splatOf(splats, first), value);
  return i16x8.mul(i16x8.min_s(left, splatOf(splats, first + 1)), splatOf(splats, first + 2));
}

/** Least and largest sample of three rows; their first and last columns are repeated once. */
function spanRows<T>(above: usize, current: usize, below: usize, width: i32, least: usize, most: usize): void {
  for (let i = 0; i < width; i += 8) {
    const x = min(i, width - 8);
    const a = loadSamples<T>(above, x);
    const b = loadSamples<T>(current, x);
    const c = loadSamples<T>(below, x);
    const at = <usize>x << 1;
    v128.store(least + at, i16x8.min_u(a, i16x8.min_u(b, c)));
    v128.store(most + at, i16x8.max_u(a, i16x8.max_u(b, c)));
  }
  const end = <usize>width << 1;
  store<i16>(least - 2, load<i16>(least));
  store<i16>(most - 2, load<i16>(most));
  store<i16>(least + end, load<i16>(least + end - 2));
  store<i16>(most + end, load<i16>(most + end - 2));
}

/** Gives each sample of a row the most that its block may weigh. */
function spreadTrust(blocks: usize, width: i32, log2Block: i32, mostWeight: i32, target: usize): void {
  const side = 1 << log2Block;
  for (let x = 0; x < width; x += side, blocks += 2) {
    const weight = <i16>((load<i16>(blocks) * mostWeight + 0x4000) >> 15);
    const end = min(x + side, width);
    for (let i = x; i < end; i++) store<i16>(target + (<usize>i << 1), weight);
  }
}

/** Difference without sign, in the domain of the comparison. */
// @ts-ignore: decorator
@inline
function subtractCompared<T>(a: v128, b: v128, shift: i32): v128 {
  if (sizeof<T>() == 1) return i16x8.abs(i16x8.sub(a, b));
  return i16x8.abs(i16x8.sub(i16x8.shr_u(a, shift), i16x8.shr_u(b, shift)));
}

/** From `samples` to a neighbour's, at most as far as counts. */
// @ts-ignore: decorator
@inline
function subtractWithin<T>(q: v128, samples: v128, reach: v128): v128 {
  if (sizeof<T>() == 1) return i16x8.max_s(i16x8.min_s(i16x8.sub(q, samples), reach), i16x8.neg(reach));
  return i16x8.sub(
    i16x8.min_u(i16x8.sub_sat_u(q, samples), reach),
    i16x8.min_u(i16x8.sub_sat_u(samples, q), reach),
  );
}

/** What one neighbour adds to the current samples, with some fractional bits: `unit` is 1. */
// @ts-ignore: decorator
@inline
function weighNeighbour<T>(
  other: usize,
  samples: v128,
  least: v128,
  most: v128,
  x: i32,
  columnsAbsolute: usize,
  columnsSigned: usize,
  shift: i32,
  blockTrust: usize,
  splats: usize,
  unit: v128,
): v128 {
  const at = <usize>x << 1;
  let weight = trust(sumWindow(columnsAbsolute, x), splats, 0);
  weight = i16x8.q15mulr_sat_s(weight, trust(i16x8.abs(sumWindow(columnsSigned, x)), splats, 3));
  const there = loadSamples<T>(other, x);
  weight = i16x8.q15mulr_sat_s(weight, trust(i16x8.shl(subtractCompared<T>(there, samples, shift), 4), splats, 6));
  weight = i16x8.q15mulr_sat_s(weight, v128.load(blockTrust + at));
  const q = i16x8.min_u(i16x8.max_u(there, least), most);
  const d = subtractWithin<T>(q, samples, splatOf(splats, REACH));
  return i16x8.q15mulr_sat_s(i16x8.mul(d, unit), weight);
}

function blend<T>(
  current: usize,
  previous: usize,
  next: usize,
  target: usize,
  width: i32,
  height: i32,
  shift: i32,
  fraction: i32,
  thresholds: usize,
  previousTrust: usize,
  nextTrust: usize,
  log2BlockWidth: i32,
  log2BlockHeight: i32,
  work: usize,
  stride: usize,
): void {
  const rowBytes = <usize>width * sizeof<T>();
  const sumAbsoluteA = work + 2 * PAD;
  const sumSignedA = sumAbsoluteA + stride;
  const sumAbsoluteB = sumSignedA + stride;
  const sumSignedB = sumAbsoluteB + stride;
  const least = sumSignedB + stride;
  const most = least + stride;
  const trustA = most + stride;
  const trustB = trustA + stride;
  const splats = trustB + stride;
  for (let i = 0; i < NUMBERS; i++) {
    v128.store(splats + (<usize>i << 4), v128.load16_splat(thresholds + (<usize>i << 1)));
  }
  const mostWeight = <i32>load<i16>(thresholds, MOST_WEIGHT << 1);
  const blockRow = <usize>((width + (1 << log2BlockWidth) - 1) >> log2BlockWidth) << 1;
  const slack = splatOf(splats, SLACK);
  const unit = i16x8.splat(<i16>(<i32>1 << fraction));
  const half = i16x8.splat(<i16>((<i32>1 << fraction) >> 1));

  for (let y = 0; y < height; y++) {
    if (y == 0) {
      startColumns<T>(previous, current, rowBytes, width, height, shift, sumAbsoluteA, sumSignedA);
      startColumns<T>(next, current, rowBytes, width, height, shift, sumAbsoluteB, sumSignedB);
    } else {
      const bottom = min(y + 2, height - 1);
      const entering = <usize>bottom * rowBytes;
      const leaving = <usize>(bottom - max(y - 3, 0)) * rowBytes;
      slideColumns<T>(previous + entering, current + entering, leaving, width, shift, sumAbsoluteA, sumSignedA);
      slideColumns<T>(next + entering, current + entering, leaving, width, shift, sumAbsoluteB, sumSignedB);
    }
    const row = <usize>y * rowBytes;
    if ((y & ((1 << log2BlockHeight) - 1)) == 0) {
      const blocks = <usize>(y >> log2BlockHeight) * blockRow;
      spreadTrust(previousTrust + blocks, width, log2BlockWidth, mostWeight, trustA);
      spreadTrust(nextTrust + blocks, width, log2BlockWidth, mostWeight, trustB);
    }
    const above = y > 0 ? rowBytes : 0;
    const below = y < height - 1 ? rowBytes : 0;
    spanRows<T>(current + row - above, current + row, current + row + below, width, least, most);
    for (let i = 0; i < width; i += 8) {
      const x = min(i, width - 8);
      const samples = loadSamples<T>(current + row, x);
      const at = <usize>x << 1;
      const darkest = i16x8.sub_sat_u(
        i16x8.min_u(v128.load(least + at), i16x8.min_u(v128.load(least + at - 2), v128.load(least + at + 2))),
        slack,
      );
      const brightest = i16x8.add_sat_u(
        i16x8.max_u(v128.load(most + at), i16x8.max_u(v128.load(most + at - 2), v128.load(most + at + 2))),
        slack,
      );
      const a = weighNeighbour<T>(
        previous + row, samples, darkest, brightest, x,
        sumAbsoluteA, sumSignedA, shift, trustA, splats, unit,
      );
      const b = weighNeighbour<T>(
        next + row, samples, darkest, brightest, x,
        sumAbsoluteB, sumSignedB, shift, trustB, splats, unit,
      );
      const change = i16x8.shr_s(i16x8.add(i16x8.add(a, b), half), fraction);
      const result = i16x8.add(samples, change);
      const out = target + row + <usize>x * sizeof<T>();
      if (sizeof<T>() == 1) v128.store64_lane(out, i8x16.narrow_i16x8_u(result, result), 0);
      else v128.store(out, result);
    }
  }
}

/**
 * Blends a plane of at least 8 columns with what its neighbours are after motion.
 *
 * @param previous - The plane before; pass `current` where there is none: it then changes nothing.
 * @param thresholds - 12 int16: limit, span and slope of the mean absolute, the mean signed and the own difference; the largest
 *   weight in 1/32768; the largest difference that counts; how far beyond the 3 x 3 samples around a neighbour's sample counts.
 * @param fraction - Fractional bits of the blend, so that the largest difference times 2^fraction fits in int16.
 * @param previousTrust - An int16 a block, 0..32767.
 * @param log2BlockWidth - Of a block in samples of this plane.
 * @param work - `8 * stride + 256` bytes.
 * @param stride - Bytes of a row of int16, with room for 32 more samples.
 */
export function blendPlane(
  isWide: bool,
  current: usize,
  previous: usize,
  next: usize,
  target: usize,
  width: i32,
  height: i32,
  shift: i32,
  fraction: i32,
  thresholds: usize,
  previousTrust: usize,
  nextTrust: usize,
  log2BlockWidth: i32,
  log2BlockHeight: i32,
  work: usize,
  stride: usize,
): void {
  if (isWide) {
    blend<u16>(
      current, previous, next, target, width, height, shift, fraction, thresholds,
      previousTrust, nextTrust, log2BlockWidth, log2BlockHeight, work, stride,
    );
  } else {
    blend<u8>(
      current, previous, next, target, width, height, shift, fraction, thresholds,
      previousTrust, nextTrust, log2BlockWidth, log2BlockHeight, work, stride,
    );
  }
}
