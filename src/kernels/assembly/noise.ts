// What blocks of 16 x 16 samples tell of noise: how they differ from the frames around, and how rough they are.
import { addLanes } from './lanes';

// @ts-ignore: decorator
@inline
function loadSamples<T>(at: usize, x: i32, shift: i32): v128 {
  return i16x8.shr_u(sizeof<T>() == 1 ? v128.load8x8_u(at + x) : v128.load(at + (<usize>x << 1)), shift);
}

/** Distance of the samples that roughness is told by: codecs leave little noise between neighbours. */
const SPACING: i32 = 2;

/** Second difference along a row. */
// @ts-ignore: decorator
@inline
function curveRow<T>(at: usize, x: i32, shift: i32): v128 {
  const centre = loadSamples<T>(at, x, shift);
  const sides = i16x8.add(loadSamples<T>(at, x - SPACING, shift), loadSamples<T>(at, x + SPACING, shift));
  return i16x8.sub(sides, i16x8.add(centre, centre));
}

// @ts-ignore: decorator
@inline
function accumulate(sum: v128, value: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(value));
}

function measure<T>(
  current: usize,
  previous: usize,
  next: usize,
  width: i32,
  height: i32,
  shift: i32,
  step: i32,
  results: usize,
): i32 {
  const rowBytes = <usize>width * sizeof<T>();
  let count = 0;
  for (let top = SPACING; top + 16 + SPACING <= height; top += step) {
    for (let left = SPACING; left + 16 + SPACING <= width; left += step) {
      let level = i32x4.splat(0);
      let before = i32x4.splat(0);
      let after = i32x4.splat(0);
      let rough = i32x4.splat(0);
      for (let x = left; x < left + 16; x += 8) {
        // Rows two above and two below: their differences are kept until they are needed.
        let above = curveRow<T>(current + <usize>(top - 2) * rowBytes, x, shift);
        let above1 = curveRow<T>(current + <usize>(top - 1) * rowBytes, x, shift);
        let here = curveRow<T>(current + <usize>top * rowBytes, x, shift);
        let below1 = curveRow<T>(current + <usize>(top + 1) * rowBytes, x, shift);
        for (let y = top; y < top + 16; y++) {
          const row = <usize>y * rowBytes;
          const below = curveRow<T>(current + row + 2 * rowBytes, x, shift);
          const samples = loadSamples<T>(current + row, x, shift);
          level = accumulate(level, samples);
          before = accumulate(before, i16x8.abs(i16x8.sub(samples, loadSamples<T>(previous + row, x, shift))));
          after = accumulate(after, i16x8.abs(i16x8.sub(samples, loadSamples<T>(next + row, x, shift))));
          rough = accumulate(rough, i16x8.abs(i16x8.sub(i16x8.add(above, below), i16x8.add(here, here))));
          above = above1;
          above1 = here;
          here = below1;
          below1 = below;
        }
      }
      store<i32>(results, addLanes(level));
      store<i32>(results, addLanes(before), 4);
      store<i32>(results, addLanes(after), 8);
      store<i32>(results, addLanes(rough), 12);
      results += 16;
      count++;
    }
  }
  return count;
}

/**
 * Measures blocks of 16 x 16 samples, `step` apart in both directions, that keep 2 samples' distance to the plane's edge.
 * For each block it writes 4 int32 to `results`: the sums of the samples, of their absolute differences to `previous` and to
 * `next`, and of their absolute Laplacians (1 -2 1, -2 4 -2, 1 -2 1) of every other sample. Samples are shifted right by `shift` first and then fit
 * in 10 bits.
 *
 * @returns The number of blocks.
 */
export function measureBlocks(
  isWide: bool,
  current: usize,
  previous: usize,
  next: usize,
  width: i32,
  height: i32,
  shift: i32,
  step: i32,
  results: usize,
): i32 {
  return isWide
    ? measure<u16>(current, previous, next, width, height, shift, step, results)
    : measure<u8>(current, previous, next, width, height, shift, step, results);
}
