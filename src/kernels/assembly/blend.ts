// Temporal blending of one plane with the frame before and the frame after it, in int16 lanes. What to trust is decided in a
// domain of at most 10 bits (`shift` takes deeper samples there), so that sums over 5 x 5 samples fit; the blend itself is done
// at full depth.

/** Rows of differences that are kept: 5 under the window and the one that leaves it. */
const RING_ROWS: i32 = 6;
/** Samples of padding before column 0 of the column sums; keeps vectors aligned. */
const PAD: usize = 16;

// @ts-ignore: decorator
@inline
function loadSamples<T>(at: usize, x: i32): v128 {
  return sizeof<T>() == 1 ? v128.load8x8_u(at + x) : v128.load(at + (<usize>x << 1));
}

/** Differences to the current row, bare and without sign. The last vector overlaps the one before it. */
function subtractRow<T>(other: usize, current: usize, width: i32, shift: i32, absolute: usize, signed: usize): void {
  for (let i = 0; i < width; i += 8) {
    const x = min(i, width - 8);
    const d = i16x8.sub(
      i16x8.shr_u(loadSamples<T>(other, x), shift),
      i16x8.shr_u(loadSamples<T>(current, x), shift),
    );
    v128.store(absolute + (<usize>x << 1), i16x8.abs(d));
    v128.store(signed + (<usize>x << 1), d);
  }
}

/** Moves the column sums down by a row, then repeats them past both ends. */
function slideColumns(sums: usize, entering: usize, leaving: usize, width: i32): void {
  for (let x = 0; x < width; x += 8) {
    const at = <usize>x << 1;
    v128.store(
      sums + at,
      i16x8.sub(i16x8.add(v128.load(sums + at), v128.load(entering + at)), v128.load(leaving + at)),
    );
  }
  padColumns(sums, width);
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

/** Column sums for row 0: the rows above it are row 0 again. */
function startColumns(sums: usize, ring: usize, stride: usize, width: i32, height: i32): void {
  const second = ring + <usize>min(1, height - 1) * stride;
  const third = ring + <usize>min(2, height - 1) * stride;
  for (let x = 0; x < width; x += 8) {
    const at = <usize>x << 1;
    const first = v128.load(ring + at);
    const above = i16x8.add(first, i16x8.add(first, first));
    v128.store(sums + at, i16x8.add(above, i16x8.add(v128.load(second + at), v128.load(third + at))));
  }
  padColumns(sums, width);
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

/** 1 (in 1/32768) up to `limit - span`, falling to 0 at `limit`. */
// @ts-ignore: decorator
@inline
function trust(value: v128, limit: v128, span: v128, slope: v128): v128 {
  const left = i16x8.max_s(i16x8.sub_sat_s(limit, value), i16x8.splat(0));
  return i16x8.mul(i16x8.min_s(left, span), slope);
}

/** Where the blend of one plane finds its numbers; see `BlendThresholds` on the other side. */
const REACH: i32 = 10;
const SLACK: i32 = 11;

// @ts-ignore: decorator
@inline
function splatAt(thresholds: usize, index: i32): v128 {
  return v128.load16_splat(thresholds + (<usize>index << 1));
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

/** Gives each sample of a row the trust of its block. */
function spreadTrust(blocks: usize, width: i32, log2Block: i32, target: usize): void {
  for (let x = 0; x < width; x++) {
    store<i16>(target + (<usize>x << 1), load<i16>(blocks + (<usize>(x >> log2Block) << 1)));
  }
}

/** What one neighbour adds to the current samples, with `fraction` fractional bits. */
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
  own: usize,
  blockTrust: usize,
  thresholds: usize,
  fraction: i32,
): v128 {
  let weight = trust(
    sumWindow(columnsAbsolute, x),
    splatAt(thresholds, 0),
    splatAt(thresholds, 1),
    splatAt(thresholds, 2),
  );
  weight = i16x8.q15mulr_sat_s(
    weight,
    trust(
      i16x8.abs(sumWindow(columnsSigned, x)),
      splatAt(thresholds, 3),
      splatAt(thresholds, 4),
      splatAt(thresholds, 5),
    ),
  );
  weight = i16x8.q15mulr_sat_s(
    weight,
    trust(
      i16x8.shl(v128.load(own + (<usize>x << 1)), 4),
      splatAt(thresholds, 6),
      splatAt(thresholds, 7),
      splatAt(thresholds, 8),
    ),
  );
  weight = i16x8.q15mulr_sat_s(weight, v128.load(blockTrust + (<usize>x << 1)));
  weight = i16x8.q15mulr_sat_s(weight, splatAt(thresholds, 9));
  const reach = splatAt(thresholds, REACH);
  const q = i16x8.min_u(i16x8.max_u(loadSamples<T>(other, x), least), most);
  const d = i16x8.sub(
    i16x8.min_u(i16x8.sub_sat_u(q, samples), reach),
    i16x8.min_u(i16x8.sub_sat_u(samples, q), reach),
  );
  return i16x8.q15mulr_sat_s(i16x8.shl(d, fraction), weight);
}

/** Bytes from the start of one neighbour's work area to where its parts stand. */
// @ts-ignore: decorator
@inline
function ringBytes(stride: usize): usize {
  return stride * RING_ROWS;
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
  const ring = ringBytes(stride);
  // Previous: absolute, signed ring, two rows of column sums; then the same for next.
  const absoluteA = work;
  const signedA = absoluteA + ring;
  const absoluteB = signedA + ring;
  const signedB = absoluteB + ring;
  const sums = signedB + ring + 2 * PAD;
  const sumAbsoluteA = sums;
  const sumSignedA = sums + stride;
  const sumAbsoluteB = sums + 2 * stride;
  const sumSignedB = sums + 3 * stride;
  const least = sums + 4 * stride;
  const most = sums + 5 * stride;
  const trustA = sums + 6 * stride;
  const trustB = sums + 7 * stride;
  const blockRow = <usize>((width + (1 << log2BlockWidth) - 1) >> log2BlockWidth) << 1;
  const slack = splatAt(thresholds, SLACK);
  const half = i16x8.splat(<i16>((<i32>1 << fraction) >> 1));

  let filled = 0;
  for (let y = 0; y < height; y++) {
    const bottom = min(y + 2, height - 1);
    for (; filled <= bottom; filled++) {
      const slot = <usize>(filled % RING_ROWS) * stride;
      const row = <usize>filled * rowBytes;
      subtractRow<T>(previous + row, current + row, width, shift, absoluteA + slot, signedA + slot);
      subtractRow<T>(next + row, current + row, width, shift, absoluteB + slot, signedB + slot);
    }
    if (y == 0) {
      startColumns(sumAbsoluteA, absoluteA, stride, width, height);
      startColumns(sumSignedA, signedA, stride, width, height);
      startColumns(sumAbsoluteB, absoluteB, stride, width, height);
      startColumns(sumSignedB, signedB, stride, width, height);
    } else {
      const entering = <usize>(bottom % RING_ROWS) * stride;
      const leaving = <usize>(max(y - 3, 0) % RING_ROWS) * stride;
      slideColumns(sumAbsoluteA, absoluteA + entering, absoluteA + leaving, width);
      slideColumns(sumSignedA, signedA + entering, signedA + leaving, width);
      slideColumns(sumAbsoluteB, absoluteB + entering, absoluteB + leaving, width);
      slideColumns(sumSignedB, signedB + entering, signedB + leaving, width);
    }
    const row = <usize>y * rowBytes;
    if ((y & ((1 << log2BlockHeight) - 1)) == 0) {
      const blocks = <usize>(y >> log2BlockHeight) * blockRow;
      spreadTrust(previousTrust + blocks, width, log2BlockWidth, trustA);
      spreadTrust(nextTrust + blocks, width, log2BlockWidth, trustB);
    }
    const above = y > 0 ? rowBytes : 0;
    const below = y < height - 1 ? rowBytes : 0;
    spanRows<T>(current + row - above, current + row, current + row + below, width, least, most);
    const own = <usize>(y % RING_ROWS) * stride;
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
        sumAbsoluteA, sumSignedA, absoluteA + own, trustA, thresholds, fraction,
      );
      const b = weighNeighbour<T>(
        next + row, samples, darkest, brightest, x,
        sumAbsoluteB, sumSignedB, absoluteB + own, trustB, thresholds, fraction,
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
 * @param work - `32 * stride + 64` bytes.
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
