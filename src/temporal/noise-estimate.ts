import type { Plane } from '../core/frame.ts';
import type { PlaneRole } from '../core/pixel-format.ts';
import type { Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';

/** Sides of a block, and the border that it keeps from the plane's edge. */
const BLOCK = 16;
const BORDER = 2;
const SAMPLES_PER_BLOCK = BLOCK * BLOCK;
const WANTED_BLOCKS = 225;
/** Bytes that the kernel writes for a block. */
const RESULT_BYTES = 16;

/** The part of the blocks, counted from the calmest, whose noise is taken for the plane's. */
const CALM_SHARE = 0.2;
/** Code values, of white, outside of which sensors and codecs clip, and with it the noise. */
const CLIPPED_BELOW = 0.07;
const CLIPPED_ABOVE = 0.93;

/** Mean absolute difference of two samples with Gaussian noise of standard deviation 1: 2 / sqrt(pi). */
const MEAN_DIFFERENCE = 2 / Math.sqrt(Math.PI);
/** Mean absolute Laplacian of such noise: 6 sqrt(2 / pi). */
const MEAN_LAPLACIAN = 6 * Math.sqrt(2 / Math.PI);

/** Samples are shifted right by this much before they are compared, so that they fit in 10 bits. */
export function comparisonShift(bits: number): number {
  return Math.max(0, bits - 10);
}

/** Arena bytes that {@link estimateNoise} needs for a plane. */
export function noiseBytes(width: number, height: number): number {
  const step = blockStep(width, height);
  return Math.max(1, countBlocks(width, step) * countBlocks(height, step)) * RESULT_BYTES;
}

function countBlocks(length: number, step: number): number {
  const room = length - BLOCK - 2 * BORDER;
  return room < 0 ? 0 : Math.floor(room / step) + 1;
}

function blockStep(width: number, height: number): number {
  return Math.max(BLOCK, Math.floor(Math.sqrt((width * height) / WANTED_BLOCKS)));
}

/**
 * Estimates the standard deviation of a plane's noise, in code values of the comparison (after {@link comparisonShift}).
 *
 * A block's noise is at most what differs between frames, and at most what its Laplacian shows (Immerkaer, "Fast noise
 * variance estimation", 1996): motion raises the first, texture the second, so the lesser of both is taken, and of all blocks
 * a low quantile. The Laplacian is of every other sample, since codecs leave little of the noise between neighbours. Frames that
 * were brought into place by their motion tell best. Neighbours that repeat the frame exactly tell nothing and are left out.
 * 0 where nothing can be told.
 *
 * @param traits - With `isGlance` a quarter of the blocks is looked at.
 * @param scratch - {@link noiseBytes} of the arena, aligned to 4.
 */
export function estimateNoise(
  arena: Arena,
  kernels: Kernels,
  plane: Plane,
  previous: Plane | null,
  next: Plane | null,
  traits: { readonly bits: number; readonly role: PlaneRole; readonly isGlance?: boolean },
  scratch: number,
): number {
  const { width, height } = plane;
  const shift = comparisonShift(traits.bits);
  const count = kernels.measureBlocks(
    traits.bits > 8,
    plane.offset,
    (previous ?? plane).offset,
    (next ?? plane).offset,
    width,
    height,
    shift,
    blockStep(width, height) * (traits.isGlance === true ? 2 : 1),
    scratch,
  );
  const results = new Int32Array(arena.memory.buffer, scratch, count * 4);
  const white = 2 ** (traits.bits - shift);
  const canClip = traits.role !== 'U' && traits.role !== 'V';
  const estimates = [1, 2].map((pair) => {
    const blocks = new Float64Array(count);
    let used = 0;
    let isRepeat = true;
    for (let at = 0; at < results.length; at += 4) {
      const difference = results[at + pair] ?? 0;
      if (difference > 0) isRepeat = false;
      const level = (results[at] ?? 0) / SAMPLES_PER_BLOCK / white;
      if (canClip && (level < CLIPPED_BELOW || level > CLIPPED_ABOVE)) continue;
      const rough = results[at + 3] ?? 0;
      blocks[used++] = Math.min(difference / MEAN_DIFFERENCE, rough / MEAN_LAPLACIAN) / SAMPLES_PER_BLOCK;
    }
    return isRepeat ? Infinity : findQuantile(blocks.subarray(0, used), CALM_SHARE);
  });
  const least = Math.min(...estimates);
  return Number.isFinite(least) ? least : 0;
}

function findQuantile(values: Float64Array, share: number): number {
  values.sort();
  return values[Math.floor(share * (values.length - 1))] ?? 0;
}
