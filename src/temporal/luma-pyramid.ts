import type { Frame } from '../core/frame.ts';
import type { Kernels } from '../kernels/kernels.ts';

/** Luma at half the size of the level before, with the blocks that motion is searched for. */
export interface PyramidLevel {
  readonly width: number;
  readonly height: number;
  /** Bytes of a row, border included. */
  readonly stride: number;
  /** Byte offset of the first sample from the start of the pyramid. */
  readonly offset: number;
  /** Samples between blocks. */
  readonly step: number;
  readonly columns: number;
  readonly rows: number;
}

/** Samples of border that the kernels write and read around each level. */
const PAD = 16;
/** Sides of a block of luma, at full size, that has a vector of its own. */
export const BLOCK = 8;
/** Smaller levels are not made. */
const LEAST_SIDE = 16;
const MOST_LEVELS = 5;

/** Where the levels of a pyramid stand, finest (half the size of the frame) first; no levels for frames too small to search. */
export interface PyramidLayout {
  readonly levels: readonly PyramidLevel[];
  readonly bytes: number;
}

/** Lays out the pyramid of a plane of `width` x `height`. */
export function layOutPyramid(width: number, height: number): PyramidLayout {
  const levels: PyramidLevel[] = [];
  let bytes = 0;
  for (let scale = 1; scale <= MOST_LEVELS; scale++) {
    const size = { width: width >> scale, height: height >> scale };
    if (Math.min(size.width, size.height) < LEAST_SIDE) break;
    const stride = Math.ceil((size.width + 2 * PAD) / 16) * 16;
    const step = scale === 1 ? BLOCK / 2 : BLOCK;
    const [columns, rows] = scale === 1 ? countBlocks(width, height) : countBlocks(size.width, size.height);
    levels.push({ ...size, stride, offset: bytes + PAD * stride + PAD, step, columns, rows });
    bytes += (size.height + 2 * PAD) * stride;
  }
  return { levels, bytes };
}

/** Blocks of {@link BLOCK} samples that cover a plane. */
export function countBlocks(width: number, height: number): [columns: number, rows: number] {
  return [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
}

/** Writes the pyramid of a frame's first plane (luma, or green) to `at`. */
export function buildPyramid(kernels: Kernels, layout: PyramidLayout, frame: Frame, at: number): void {
  const [plane] = frame.planes;
  if (plane === undefined) return;
  const { bits, bytesPerSample } = frame.format;
  let source = { at: plane.offset, stride: plane.width * bytesPerSample, bits };
  for (const { width, height, stride, offset } of layout.levels) {
    kernels.halvePlane(
      source.bits > 8,
      source.at,
      source.stride,
      width,
      height,
      source.bits - 8,
      at + offset,
      stride,
    );
    source = { at: at + offset, stride, bits: 8 };
  }
}
