/** Sums over two planes of samples from which their linear relation follows. */
export interface PlaneSums {
  readonly samples: number;
  readonly a: number;
  readonly b: number;
  readonly aa: number;
  readonly ab: number;
}

/** Sum of squared differences of `samples` of `a` and `b` from `offset` on. */
export function sumSquaredDifferences(a: Uint8Array, b: Uint8Array, offset: number, samples: number): number {
  let squares = 0;
  for (let i = offset; i < offset + samples; i++) squares += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return squares;
}

/** Sums over all of `a` and `b`. */
export function sumPlanes(a: ArrayLike<number>, b: ArrayLike<number>): PlaneSums {
  let [sumA, sumB, sumAA, sumAB] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumAB += x * y;
  }
  return { samples: a.length, a: sumA, b: sumB, aa: sumAA, ab: sumAB };
}

/** Side of a cell in samples. */
const CELL = 8;

/** Means of whole cells of 8x8 samples of the plane at `offset`, row by row: noise is gone from them, levels are not. */
export function averageCells(plane: Uint8Array, offset: number, width: number, height: number): Float64Array {
  const [columns, rows] = [Math.floor(width / CELL), Math.floor(height / CELL)];
  const cells = new Float64Array(columns * rows);
  for (let y = 0; y < rows * CELL; y++) {
    const row = Math.floor(y / CELL) * columns;
    for (let x = 0; x < columns * CELL; x++) {
      const at = row + Math.floor(x / CELL);
      cells[at] = (cells[at] ?? 0) + (plane[offset + y * width + x] ?? 0) / CELL ** 2;
    }
  }
  return cells;
}

export function addSums(a: PlaneSums, b: PlaneSums): PlaneSums {
  return {
    samples: a.samples + b.samples,
    a: a.a + b.a,
    b: a.b + b.b,
    aa: a.aa + b.aa,
    ab: a.ab + b.ab,
  };
}

export const NO_SUMS: PlaneSums = { samples: 0, a: 0, b: 0, aa: 0, ab: 0 };

/** Peak signal to noise ratio in dB of 8-bit samples; 99 for planes that (almost) agree. */
export function computePsnr(squares: number, samples: number): number {
  const mse = squares / Math.max(1, samples);
  return mse < 1e-5 ? 99 : Math.min(99, 10 * Math.log10(255 ** 2 / mse));
}

/**
 * The line `b = gain * a + offset` that fits best, and the standard deviation of `a`; the offset is taken at the mean of `a`, where it is
 * the difference of the means.
 */
export function fitLevels({ samples, a, b, aa, ab }: PlaneSums): {
  gain: number;
  difference: number;
  deviation: number;
} {
  const n = Math.max(1, samples);
  const variance = Math.max(0, aa / n - (a / n) ** 2);
  const covariance = ab / n - (a / n) * (b / n);
  return {
    gain: variance === 0 ? 1 : covariance / variance,
    difference: (b - a) / n,
    deviation: Math.sqrt(variance),
  };
}

export type Orientation = 'upright' | 'mirrored' | 'upside down' | 'turned by 180 degrees';

/** Squared difference of the first planes with `b` laid over `a` in another orientation. */
export function sumTurned(
  a: Uint8Array,
  b: Uint8Array,
  width: number,
  height: number,
  orientation: Orientation,
): number {
  const mirrored = orientation === 'mirrored' || orientation === 'turned by 180 degrees';
  const flipped = orientation === 'upside down' || orientation === 'turned by 180 degrees';
  let squares = 0;
  for (let y = 0; y < height; y++) {
    const from = (flipped ? height - 1 - y : y) * width;
    for (let x = 0; x < width; x++) {
      const d = (a[y * width + x] ?? 0) - (b[from + (mirrored ? width - 1 - x : x)] ?? 0);
      squares += d * d;
    }
  }
  return squares;
}

/** Sums of the normal equations for {@link solveShift}. */
export interface ShiftSums {
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
  readonly xt: number;
  readonly yt: number;
}

export const NO_SHIFT_SUMS: ShiftSums = { xx: 0, xy: 0, yy: 0, xt: 0, yt: 0 };

/** Adds what the first planes of two frames say about a shift of `b` against `a`: gradients and differences (Lucas and Kanade, 1981). */
export function addShift(
  sums: ShiftSums,
  a: Uint8Array,
  b: Uint8Array,
  width: number,
  height: number,
): ShiftSums {
  let { xx, xy, yy, xt, yt } = sums;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      // Gradients of the mean of both, so that the estimate is right to the second order.
      const gx = ((a[i + 1] ?? 0) - (a[i - 1] ?? 0) + (b[i + 1] ?? 0) - (b[i - 1] ?? 0)) / 4;
      const gy = ((a[i + width] ?? 0) - (a[i - width] ?? 0) + (b[i + width] ?? 0) - (b[i - width] ?? 0)) / 4;
      const t = (b[i] ?? 0) - (a[i] ?? 0);
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
      xt += gx * t;
      yt += gy * t;
    }
  }
  return { xx, xy, yy, xt, yt };
}

/** The shift in samples, right and down positive; null where the pictures are too flat to tell. */
export function solveShift({ xx, xy, yy, xt, yt }: ShiftSums): { x: number; y: number } | null {
  const determinant = xx * yy - xy * xy;
  if (determinant < 1e-3 * xx * yy || xx < 1e4 || yy < 1e4) return null;
  return { x: -(yy * xt - xy * yt) / determinant, y: -(xx * yt - xy * xt) / determinant };
}
