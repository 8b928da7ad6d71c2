import type { Plane } from '../core/frame.ts';
import type { Arena } from '../kernels/arena.ts';
import { copyPadded, copyRect } from '../kernels/copy.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { TensorView } from './onnxruntime.ts';
import type { TileSpan } from './pass-geometry.ts';

/** Planes of one size, one behind the other in the arena. */
export interface PlaneSet {
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly count: number;
}

export function countSetBytes(set: Omit<PlaneSet, 'offset'>): number {
  return set.width * set.height * set.count * bytesOf(set);
}

export function viewPlanes(arena: Arena, set: PlaneSet): TensorView {
  const dims = [1, set.count, set.height, set.width];
  const length = set.count * set.height * set.width;
  const data = set.bits > 8 ? arena.words(set.offset, length) : arena.bytes(set.offset, length);
  return { data, dims };
}

/** Copies `from` into the top left of `to`, which is larger, and repeats the last column and row. */
export function copyPaddedPlanes(kernels: Kernels, from: PlaneSet, to: PlaneSet): void {
  for (let i = 0; i < from.count; i++) {
    copyPadded(kernels, planeOf(from, i), planeOf(to, i), bytesOf(from));
  }
}

/** Copies what a tile covers. Spans count samples of the grid that the planes are `scale` times as fine as. */
export function copyIntoTile(
  kernels: Kernels,
  from: PlaneSet,
  tile: PlaneSet,
  column: TileSpan,
  row: TileSpan,
  scale = 1,
): void {
  const rect = {
    x: column.start * scale,
    y: row.start * scale,
    width: tile.width,
    height: tile.height,
  };
  for (let i = 0; i < from.count; i++) {
    copyRect(kernels, planeOf(from, i), rect, planeOf(tile, i), { x: 0, y: 0 }, bytesOf(from));
  }
}

/** Copies the part of a tile's result that is kept. */
export function copyOutOfTile(
  kernels: Kernels,
  tile: PlaneSet,
  to: PlaneSet,
  column: TileSpan,
  row: TileSpan,
  scale: number,
): void {
  const rect = {
    x: (column.from - column.start) * scale,
    y: (row.from - row.start) * scale,
    width: (column.to - column.from) * scale,
    height: (row.to - row.from) * scale,
  };
  const at = { x: column.from * scale, y: row.from * scale };
  for (let i = 0; i < to.count; i++) {
    copyRect(kernels, planeOf(tile, i), rect, planeOf(to, i), at, bytesOf(to));
  }
}

function planeOf(set: PlaneSet, index: number): Plane {
  const bytes = set.width * set.height * bytesOf(set);
  return { offset: set.offset + index * bytes, width: set.width, height: set.height };
}

function bytesOf(set: Pick<PlaneSet, 'bits'>): 1 | 2 {
  return set.bits > 8 ? 2 : 1;
}
