// Motion of blocks in whole samples of one level of a pyramid, from the estimate of the level above.
import { addLanes } from './lanes';
import { PAD } from './pyramid';

/** Sides of the window that is compared; with a step of 4 windows overlap. */
const WINDOW: i32 = 8;
/** Steps that a vector may walk downhill. */
const WALKS: i32 = 3;

let best: i32 = 0;
let bestX: i32 = 0;
let bestY: i32 = 0;
let predictedX: i32 = 0;
let predictedY: i32 = 0;
let leastX: i32 = 0;
let mostX: i32 = 0;
let leastY: i32 = 0;
let mostY: i32 = 0;

// @ts-ignore: decorator
@inline
function loadRows(at: usize, stride: usize): v128 {
  return v128.load64_lane(at + stride, v128.load64_zero(at), 1);
}

/** Sum of absolute differences of two windows. */
// @ts-ignore: decorator
@inline
function compareWindows(a: usize, b: usize, stride: usize): i32 {
  let sum = i16x8.splat(0);
  for (let y = 0; y < WINDOW; y += 2) {
    const p = loadRows(a, stride);
    const q = loadRows(b, stride);
    const d = v128.or(i8x16.sub_sat_u(p, q), i8x16.sub_sat_u(q, p));
    sum = i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(d));
    a += 2 * stride;
    b += 2 * stride;
  }
  return addLanes(i32x4.extadd_pairwise_i16x8_u(sum));
}

/** Takes a vector, moved to where the reference's border allows, when it costs less than the best one. */
// @ts-ignore: decorator
@inline
function tryVector(window: usize, reference: usize, stride: usize, smoothness: i32, x: i32, y: i32): bool {
  x = min(max(x, leastX), mostX);
  y = min(max(y, leastY), mostY);
  // In smooth motion most candidates are the same.
  if (x == bestX && y == bestY && best != i32.MAX_VALUE) return false;
  const rough = abs(x - predictedX) + abs(y - predictedY);
  const cost = compareWindows(window, reference + <usize>(y * <i32>stride + x), stride) + smoothness * rough;
  if (cost >= best) return false;
  best = cost;
  bestX = x;
  bestY = y;
  return true;
}

function findMedian(a: i32, b: i32, c: i32): i32 {
  return max(min(a, b), min(max(a, b), c));
}

/**
 * Finds for each block where it lies in `reference`: the least sum of absolute differences of 8 x 8 samples plus `smoothness` times the
 * distance to the vector that the level above and the blocks left and above foretell. Candidates are those, and zero; where blocks are 8
 * samples apart the best one walks downhill. Without a level above all vectors up to `range` are compared.
 *
 * @param step - Samples between blocks, 4 or 8; windows are centred on them.
 * @param parents - Vectors of the level above, whose blocks are 8 samples apart; 0 for none.
 * @param vectors - Two int16 a block, x and y in samples.
 */
export function searchBlocks(
  current: usize,
  reference: usize,
  stride: usize,
  width: i32,
  height: i32,
  step: i32,
  columns: i32,
  rows: i32,
  parents: usize,
  parentColumns: i32,
  parentRows: i32,
  range: i32,
  smoothness: i32,
  vectors: usize,
): void {
  const shift = step == 8 ? 1 : 2;
  // At the finest level noise would be followed, and steps by the gradient come next.
  const walks = step == 8 ? WALKS : 0;
  const inset = (WINDOW - step) >> 1;
  for (let row = 0; row < rows; row++) {
    const y = row * step - inset;
    leastY = 1 - PAD - y;
    mostY = height + PAD - WINDOW - 2 - y;
    const parentRow = min(row >> shift, parentRows - 1);
    const besideRow = min(max(parentRow + ((row >> (shift - 1)) & 1 ? 1 : -1), 0), parentRows - 1);
    for (let column = 0; column < columns; column++) {
      const x = column * step - inset;
      const offset = <usize>(y * <i32>stride + x);
      const window = current + offset;
      const there = reference + offset;
      leastX = 1 - PAD - x;
      mostX = width + PAD - WINDOW - 2 - x;
      const at = vectors + (<usize>(row * columns + column) << 2);
      const above = at - (<usize>columns << 2);
      const leftX = column > 0 ? load<i16>(at - 4) : 0;
      const leftY = column > 0 ? load<i16>(at - 4, 2) : 0;
      const aboveX = row > 0 ? load<i16>(above) : leftX;
      const aboveY = row > 0 ? load<i16>(above, 2) : leftY;
      best = i32.MAX_VALUE;
      if (parents == 0) {
        predictedX = 0;
        predictedY = 0;
        for (let dy = -range; dy <= range; dy++) {
          for (let dx = -range; dx <= range; dx++) tryVector(window, there, stride, smoothness, dx, dy);
        }
      } else {
        const parentColumn = min(column >> shift, parentColumns - 1);
        const besideColumn = min(max(parentColumn + ((column >> (shift - 1)) & 1 ? 1 : -1), 0), parentColumns - 1);
        const parent = parents + (<usize>(parentRow * parentColumns + parentColumn) << 2);
        const parentX = 2 * load<i16>(parent);
        const parentY = 2 * load<i16>(parent, 2);
        predictedX = findMedian(parentX, leftX, aboveX);
        predictedY = findMedian(parentY, leftY, aboveY);
        tryVector(window, there, stride, smoothness, 0, 0);
        tryVector(window, there, stride, smoothness, parentX, parentY);
        const beside = parents + (<usize>(parentRow * parentColumns + besideColumn) << 2);
        tryVector(window, there, stride, smoothness, 2 * load<i16>(beside), 2 * load<i16>(beside, 2));
        const below = parents + (<usize>(besideRow * parentColumns + parentColumn) << 2);
        tryVector(window, there, stride, smoothness, 2 * load<i16>(below), 2 * load<i16>(below, 2));
      }
      if (column > 0) tryVector(window, there, stride, smoothness, leftX, leftY);
      if (row > 0) tryVector(window, there, stride, smoothness, aboveX, aboveY);
      for (let walk = 0; walk < walks; walk++) {
        const fromX = bestX;
        const fromY = bestY;
        let isBetter = tryVector(window, there, stride, smoothness, fromX - 1, fromY);
        isBetter = tryVector(window, there, stride, smoothness, fromX + 1, fromY) || isBetter;
        isBetter = tryVector(window, there, stride, smoothness, fromX, fromY - 1) || isBetter;
        isBetter = tryVector(window, there, stride, smoothness, fromX, fromY + 1) || isBetter;
        if (!isBetter) break;
      }
      store<i16>(at, <i16>bestX);
      store<i16>(at, <i16>bestY, 2);
    }
  }
}

/** A sample, or what it differs by from that of another window (0 for none). */
// @ts-ignore: decorator
@inline
function readDifference(a: usize, b: usize, offset: usize): i32 {
  return <i32>load<u8>(a + offset) - (b == 0 ? 0 : <i32>load<u8>(b + offset));
}

/** Sum of the absolute differences of 8 x 8 samples from their mean; of a picture, or of what is left of it after motion. */
function measureSpread(a: usize, b: usize, stride: usize): i32 {
  let sum: i32 = 0;
  for (let y = 0; y < WINDOW; y++) {
    for (let x = 0; x < WINDOW; x++) sum += readDifference(a, b, <usize>y * stride + <usize>x);
  }
  const mean = (sum + 32) >> 6;
  let spread: i32 = 0;
  for (let y = 0; y < WINDOW; y++) {
    for (let x = 0; x < WINDOW; x++) spread += abs(readDifference(a, b, <usize>y * stride + <usize>x) - mean);
  }
  return spread;
}

/**
 * How much of the picture motion explains, blocks being 8 samples apart: writes two int32, the sum of what is left of the blocks after motion
 * and the sum of what is in them. Brightness is taken out of both.
 */
export function measureMatch(
  current: usize,
  reference: usize,
  stride: usize,
  columns: i32,
  rows: i32,
  vectors: usize,
  results: usize,
): void {
  let left: i32 = 0;
  let whole: i32 = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const vector = vectors + (<usize>(row * columns + column) << 2);
      const window = current + <usize>(8 * (row * <i32>stride + column));
      const moved = <usize>(load<i16>(vector, 2) * <i32>stride + load<i16>(vector));
      left += measureSpread(window, reference + (window - current) + moved, stride);
      whole += measureSpread(window, 0, stride);
    }
  }
  store<i32>(results, left);
  store<i32>(results, whole, 4);
}
