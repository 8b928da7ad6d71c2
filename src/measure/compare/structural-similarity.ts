import type { MeasuredPlane } from './measured-plane.ts';

/** What windows of two planes have in common: mean of the whole index, and of its part without brightness. */
interface Similarity {
  readonly whole: number;
  readonly structure: number;
}

const BLOCK = 4;
/** Weights of the scales, from the finest on: Wang, Simoncelli and Bovik (2003), table 1. */
const SCALE_WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/**
 * Structural similarity: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity"
 * (2004), over windows of 8 x 8 at every fourth sample, as ffmpeg's `ssim` filter takes it. 1 for planes that agree; null for planes
 * smaller than a window.
 */
export function computeSsim(a: MeasuredPlane, b: MeasuredPlane): number | null {
  return compareWindows(a, b)?.whole ?? null;
}

/**
 * The same at up to five scales, each half the one before: Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality
 * assessment" (2003), over the windows of {@link computeSsim}. Null where the picture has fewer than five scales.
 */
export function computeMultiScaleSsim(a: MeasuredPlane, b: MeasuredPlane): number | null {
  let [x, y] = [a, b];
  let product = 1;
  for (const [scale, weight] of SCALE_WEIGHTS.entries()) {
    const found = compareWindows(x, y);
    if (found === null) return null;
    const isLast = scale === SCALE_WEIGHTS.length - 1;
    product *= Math.max(0, isLast ? found.whole : found.structure) ** weight;
    [x, y] = [halve(x), halve(y)];
  }
  return product;
}

function compareWindows(a: MeasuredPlane, b: MeasuredPlane): Similarity | null {
  const columns = Math.floor(a.width / BLOCK);
  const rows = Math.floor(a.height / BLOCK);
  if (columns < 2 || rows < 2) return null;
  const peak = 2 ** a.bits - 1;
  const samples = (2 * BLOCK) ** 2;
  const c1 = (0.01 * peak) ** 2;
  const c2 = (0.03 * peak) ** 2;
  const sums = sumBlocks(a, b, columns, rows);
  let [whole, structure] = [0, 0];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const window = [0, 0, 0, 0, 0];
      for (const block of [row * columns + column, (row + 1) * columns + column]) {
        for (let i = 0; i < 5; i++) {
          window[i] = (window[i] ?? 0) + (sums[5 * block + i] ?? 0) + (sums[5 * (block + 1) + i] ?? 0);
        }
      }
      const [sumA = 0, sumB = 0, sumAA = 0, sumBB = 0, sumAB = 0] = window;
      const meanA = sumA / samples;
      const meanB = sumB / samples;
      // With one sample less, as ffmpeg and x264 have it.
      const spread = (sumAA + sumBB - samples * (meanA * meanA + meanB * meanB)) / (samples - 1);
      const shared = (sumAB - samples * meanA * meanB) / (samples - 1);
      const alike = (2 * shared + c2) / (spread + c2);
      structure += alike;
      whole += (alike * (2 * meanA * meanB + c1)) / (meanA * meanA + meanB * meanB + c1);
    }
  }
  const windows = (rows - 1) * (columns - 1);
  return { whole: whole / windows, structure: structure / windows };
}

/** For each block of 4 x 4: sums of a, b, their squares and their product. */
function sumBlocks(a: MeasuredPlane, b: MeasuredPlane, columns: number, rows: number): Float64Array {
  const sums = new Float64Array(5 * columns * rows);
  for (let y = 0; y < rows * BLOCK; y++) {
    for (let x = 0; x < columns * BLOCK; x++) {
      const at = 5 * (Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK));
      const p = a.samples[y * a.width + x] ?? 0;
      const q = b.samples[y * b.width + x] ?? 0;
      sums[at] = (sums[at] ?? 0) + p;
      sums[at + 1] = (sums[at + 1] ?? 0) + q;
      sums[at + 2] = (sums[at + 2] ?? 0) + p * p;
      sums[at + 3] = (sums[at + 3] ?? 0) + q * q;
      sums[at + 4] = (sums[at + 4] ?? 0) + p * q;
    }
  }
  return sums;
}

/** Means of 2 x 2 samples. */
function halve({ samples, width, height, bits }: MeasuredPlane): MeasuredPlane {
  const half = { width: width >> 1, height: height >> 1, bits };
  const result =
    bits > 8 ? new Uint16Array(half.width * half.height) : new Uint8Array(half.width * half.height);
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const at = 2 * y * width + 2 * x;
      const upper = (samples[at] ?? 0) + (samples[at + 1] ?? 0);
      const lower = (samples[at + width] ?? 0) + (samples[at + width + 1] ?? 0);
      result[y * half.width + x] = (upper + lower + 2) >> 2;
    }
  }
  return { ...half, samples: result };
}
