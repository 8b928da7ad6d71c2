import type { Plane } from '../core/frame.ts';
import type { Kernels } from './kernels.ts';

/** A rectangle in samples. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Copies rectangle `from` of plane `source` to `at` in plane `target`, both in the arena with samples of `bytesPerSample`.
 * Both rectangles must lie inside of their planes; the memory may not overlap.
 */
export function copyRect(
  kernels: Kernels,
  source: Plane,
  from: Rect,
  target: Plane,
  at: { readonly x: number; readonly y: number },
  bytesPerSample: 1 | 2,
): void {
  kernels.copyRows(
    source.offset + (from.y * source.width + from.x) * bytesPerSample,
    source.width * bytesPerSample,
    target.offset + (at.y * target.width + at.x) * bytesPerSample,
    target.width * bytesPerSample,
    from.width * bytesPerSample,
    from.height,
  );
}

/**
 * Copies plane `source` into the top left of `target`, which is as large or larger, and repeats its last column and row to
 * fill the rest.
 */
export function copyPadded(kernels: Kernels, source: Plane, target: Plane, bytesPerSample: 1 | 2): void {
  kernels.copyRowsPadded(
    source.offset,
    source.width,
    source.height,
    target.offset,
    target.width,
    target.height,
    bytesPerSample,
  );
}
