// The two steps of back-projection that are not resampling: the error of a plane, as 16-bit samples around 32768, and its way back into
// a plane of 8 or 16 bits.

import { TAIL } from './scratch';

/** Words of `a` minus those of `b`, plus 32768, clamped. `target` may be either. */
export function subtractWords(a: usize, b: usize, target: usize, samples: i32): void {
  const flip = i16x8.splat(-32768);
  let i = 0;
  for (; i + 8 <= samples; i += 8) {
    const at = <usize>i << 1;
    // As signed numbers both are 32768 less, so that the difference saturates where the sum would.
    const difference = i16x8.sub_sat_s(v128.xor(v128.load(a + at), flip), v128.xor(v128.load(b + at), flip));
    v128.store(target + at, v128.xor(difference, flip));
  }
  for (; i < samples; i++) {
    const at = <usize>i << 1;
    const difference = 32768 + <i32>load<u16>(a + at) - <i32>load<u16>(b + at);
    store<u16>(target + at, <u16>min(max(difference, 0), 65535));
  }
}

/** What is added to a vector of samples: the errors around 32768, weighed; then clamped, halves rounded up. */
// @ts-ignore: decorator
@inline
function addErrors(samples: v128, errors: v128, weight: v128, limit: v128): v128 {
  const error = f32x4.sub(f32x4.convert_i32x4_u(errors), f32x4.splat(32768));
  const sum = f32x4.add(f32x4.convert_i32x4_u(samples), f32x4.mul(error, weight));
  const value = f32x4.min(f32x4.max(sum, f32x4.splat(0)), limit);
  return i32x4.trunc_sat_f32x4_u(f32x4.add(value, f32x4.splat(0.5)));
}

/**
 * Adds to each sample the error in its place, times `weight`.
 *
 * @param isWide - Samples are uint16 (else uint8).
 * @param limit - Largest sample.
 */
export function addErrorWords(
  isWide: bool,
  target: usize,
  errors: usize,
  samples: i32,
  weight: f32,
  limit: f32,
): void {
  const weights = f32x4.splat(weight);
  const limits = f32x4.splat(limit);
  for (let i = 0; i < samples; i += 8) {
    const at = errors + (<usize>i << 1);
    const out = target + (<usize>i << <usize>isWide);
    const whole = i + 8 <= samples;
    let e: v128;
    let s: v128;
    if (whole) {
      e = v128.load(at);
      s = isWide ? v128.load(out) : v128.load8x8_u(out);
    } else {
      memory.copy(TAIL, at, <usize>((samples - i) << 1));
      e = v128.load(TAIL);
      memory.copy(TAIL, out, <usize>((samples - i) << <i32>isWide));
      s = isWide ? v128.load(TAIL) : v128.load8x8_u(TAIL);
    }
    const low = addErrors(i32x4.extend_low_i16x8_u(s), i32x4.extend_low_i16x8_u(e), weights, limits);
    const high = addErrors(i32x4.extend_high_i16x8_u(s), i32x4.extend_high_i16x8_u(e), weights, limits);
    const words = i16x8.narrow_i32x4_u(low, high);
    if (isWide) {
      if (whole) v128.store(out, words);
      else v128.store(TAIL, words);
    } else {
      const bytes = i8x16.narrow_i16x8_u(words, words);
      if (whole) v128.store64_lane(out, bytes, 0);
      else v128.store(TAIL, bytes);
    }
    if (!whole) memory.copy(out, TAIL, <usize>((samples - i) << <i32>isWide));
  }
}
