// Luma at half, quarter, ... of the size, as bytes with a border of repeated samples, for the search of motion.

/** Samples that a level has on each side beyond the picture. */
export const PAD: i32 = 16;

/** Sums of 2 x 2 samples, 8 at once, in int16 lanes after rounding and `shift` to 8 bits. */
// @ts-ignore: decorator
@inline
function averageSquares<T>(upper: usize, lower: usize, x: i32, shift: i32): v128 {
  if (sizeof<T>() == 1) {
    const sums = i16x8.add(
      i16x8.extadd_pairwise_i8x16_u(v128.load(upper + (x << 1))),
      i16x8.extadd_pairwise_i8x16_u(v128.load(lower + (x << 1))),
    );
    return i16x8.shr_u(i16x8.add(sums, i16x8.splat(2)), 2);
  }
  const at = <usize>x << 2;
  const half = i32x4.splat(1 << (shift + 1));
  const left = i32x4.add(
    i32x4.extadd_pairwise_i16x8_u(v128.load(upper + at)),
    i32x4.extadd_pairwise_i16x8_u(v128.load(lower + at)),
  );
  const right = i32x4.add(
    i32x4.extadd_pairwise_i16x8_u(v128.load(upper + at, 16)),
    i32x4.extadd_pairwise_i16x8_u(v128.load(lower + at, 16)),
  );
  return i16x8.narrow_i32x4_s(
    i32x4.shr_u(i32x4.add(left, half), shift + 2),
    i32x4.shr_u(i32x4.add(right, half), shift + 2),
  );
}

function halve<T>(
  source: usize,
  sourceStride: usize,
  width: i32,
  height: i32,
  shift: i32,
  target: usize,
  stride: usize,
): void {
  for (let y = 0; y < height; y++) {
    const upper = source + <usize>(2 * y) * sourceStride;
    const row = target + <usize>y * stride;
    for (let i = 0; i < width; i += 8) {
      const x = min(i, width - 8);
      const means = averageSquares<T>(upper, upper + sourceStride, x, shift);
      v128.store64_lane(row + x, i8x16.narrow_i16x8_u(means, means), 0);
    }
    memory.fill(row - PAD, load<u8>(row), PAD);
    memory.fill(row + width, load<u8>(row + width - 1), PAD);
  }
  const rowBytes = <usize>(width + 2 * PAD);
  for (let y = 1; y <= PAD; y++) {
    memory.copy(target - PAD - <usize>y * stride, target - PAD, rowBytes);
    memory.copy(target - PAD + <usize>(height - 1 + y) * stride, target - PAD + <usize>(height - 1) * stride, rowBytes);
  }
}

/**
 * Halves a plane into bytes by the mean of 2 x 2 samples, and repeats its edge 16 samples far.
 *
 * @param sourceStride - Bytes of a row of the source.
 * @param width - Of the result, at least 8: half of the source's, rounded down.
 * @param shift - Bits of the source above 8.
 * @param target - Of the result's first sample; 16 rows and columns around it belong to it.
 */
export function halvePlane(
  isWide: bool,
  source: usize,
  sourceStride: usize,
  width: i32,
  height: i32,
  shift: i32,
  target: usize,
  stride: usize,
): void {
  if (isWide) halve<u16>(source, sourceStride, width, height, shift, target, stride);
  else halve<u8>(source, sourceStride, width, height, shift, target, stride);
}
