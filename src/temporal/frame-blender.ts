import type { Frame, Plane } from '../core/frame.ts';
import { planeSize, type PixelFormat } from '../core/pixel-format.ts';
import { alignUp, type Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { computeThresholds } from './blend-thresholds.ts';
import { BLOCK, countBlocks } from './luma-pyramid.ts';
import type { MotionField } from './motion.ts';
import { comparisonShift, estimateNoise, noiseBytes } from './noise-estimate.ts';
import type { TemporalStrength } from './temporal-plan.ts';
import { computeWarpFilters } from './warp-filters.ts';

const THRESHOLD_BYTES = 64;
const FILTER_BYTES = 256;
/** Rows of int16 that the kernel keeps: sums of two kinds of difference to two neighbours; least and most of the samples around; two of trust. */
const WORK_ROWS = 2 * 2 + 2 + 2;
/** Bytes beside them. */
const WORK_NUMBERS = 256;
/** Vectors of the kernel have as many samples. */
const LEAST_WIDTH = 8;

/** Where the parts of the blender's memory stand. */
interface WorkLayout {
  readonly stride: number;
  readonly noiseAt: number;
  readonly workAt: number;
  readonly warpedAt: readonly [number, number];
  readonly totalBytes: number;
}

/** Arena bytes of a blender. */
export function blenderBytes(format: PixelFormat, width: number, height: number): number {
  return layOutWork(format, width, height).totalBytes;
}

function layOutWork(format: PixelFormat, width: number, height: number): WorkLayout {
  let [noise, plane] = [0, 0];
  for (let i = 0; i < format.planes.length; i++) {
    const size = planeSize(format, i, width, height);
    noise = Math.max(noise, noiseBytes(size.width, size.height));
    plane = Math.max(plane, size.width * size.height * format.bytesPerSample);
  }
  const stride = alignUp(2 * width + 64) + 64;
  const noiseAt = THRESHOLD_BYTES + FILTER_BYTES;
  const workAt = noiseAt + alignUp(noise);
  const first = workAt + WORK_ROWS * stride + WORK_NUMBERS;
  const second = first + alignUp(plane);
  return { stride, noiseAt, workAt, warpedAt: [first, second], totalBytes: second + alignUp(plane) };
}

/** A frame beside the one that is blended, and how the latter's blocks move into it. */
export interface Neighbour {
  readonly frame: Frame;
  readonly motion: MotionField;
}

/**
 * Blends frames of one format and size with their neighbours. Beside the frames it takes two planes of the arena, and about 16 bytes for each
 * column.
 */
export class FrameBlender {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #strength: TemporalStrength;
  readonly #layout: WorkLayout;
  readonly #columns: number;
  readonly #block: number;

  constructor(
    arena: Arena,
    kernels: Kernels,
    strength: TemporalStrength,
    { format, width, height }: Pick<Frame, 'format' | 'width' | 'height'>,
  ) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#strength = strength;
    this.#layout = layOutWork(format, width, height);
    [this.#columns] = countBlocks(width, height);
    this.#block = arena.allocate(this.#layout.totalBytes);
    const filters = computeWarpFilters();
    new Int16Array(arena.memory.buffer, this.#filtersAt, filters.length).set(filters);
  }

  /** Which planes have noise enough to be blended at all. Without knowing of motion, what moves may look like noise. */
  findNoisyPlanes(current: Frame, previous: Frame | null, next: Frame | null): boolean[] {
    return current.format.planes.map(
      (_, index) =>
        this.#findThresholds(index, current, planeOf(previous, index), planeOf(next, index), true) !== null,
    );
  }

  /**
   * Returns a new frame; its inputs keep their owner. A neighbour is null where there is none to be trusted; planes that are not noisy come out as
   * they were.
   */
  blend(
    current: Frame,
    previous: Neighbour | null,
    next: Neighbour | null,
    isNoisy: readonly boolean[],
  ): Frame {
    const { format, width, height, pts } = current;
    const result = this.#arena.allocateFrame(format, width, height, pts);
    for (let i = 0; i < format.planes.length; i++) {
      if (isNoisy[i] !== true || !this.#blendPlane(i, current, previous, next, result)) {
        this.#copyPlane(i, current, result);
      }
    }
    return result;
  }

  dispose(): void {
    this.#arena.release(this.#block);
  }

  get #filtersAt(): number {
    return this.#block + THRESHOLD_BYTES;
  }

  #copyPlane(index: number, current: Frame, result: Frame): void {
    const [plane, target] = [current.planes[index], result.planes[index]];
    if (plane === undefined || target === undefined) return;
    const bytes = plane.width * plane.height * current.format.bytesPerSample;
    this.#kernels.copyRows(plane.offset, bytes, target.offset, bytes, bytes, 1);
  }

  /** False, and nothing is written, where the plane turns out to have too little noise. */
  #blendPlane(
    index: number,
    current: Frame,
    previous: Neighbour | null,
    next: Neighbour | null,
    result: Frame,
  ): boolean {
    const { bits, bytesPerSample, planes } = current.format;
    const plane = current.planes[index];
    const target = result.planes[index];
    const layout = planes[index];
    if (plane === undefined || target === undefined || layout === undefined) return false;
    const before = this.#warp(index, current, previous, 0);
    const after = this.#warp(index, current, next, 1);
    const thresholds = this.#findThresholds(index, current, before, after);
    if (thresholds === null) return false;
    new Int16Array(this.#arena.memory.buffer, this.#block, thresholds.values.length).set(thresholds.values);
    const trust = (previous ?? next)?.motion.trust ?? 0;
    this.#kernels.blendPlane(
      bytesPerSample === 2,
      plane.offset,
      (before ?? plane).offset,
      (after ?? plane).offset,
      target.offset,
      plane.width,
      plane.height,
      comparisonShift(bits),
      thresholds.fraction,
      this.#block,
      previous?.motion.trust ?? trust,
      next?.motion.trust ?? trust,
      Math.log2(BLOCK) - layout.log2Width,
      Math.log2(BLOCK) - layout.log2Height,
      this.#block + this.#layout.workAt,
      this.#layout.stride,
    );
    return true;
  }

  /** A neighbour's plane as it would be after the motion. */
  #warp(index: number, current: Frame, neighbour: Neighbour | null, slot: 0 | 1): Plane | null {
    const source = planeOf(neighbour?.frame ?? null, index);
    const layout = current.format.planes[index];
    if (neighbour === null || source === null || layout === undefined || layout.role === 'A') return null;
    const offset = this.#block + this.#layout.warpedAt[slot];
    this.#kernels.warpPlane(
      current.format.bits > 8,
      source.offset,
      source.width,
      source.height,
      layout.log2Width,
      layout.log2Height,
      neighbour.motion.vectors,
      this.#columns,
      this.#filtersAt,
      current.format.bits,
      offset,
    );
    return { ...source, offset };
  }

  #findThresholds(
    index: number,
    current: Frame,
    before: Plane | null,
    after: Plane | null,
    isGlance = false,
  ): ReturnType<typeof computeThresholds> {
    const plane = current.planes[index];
    const role = current.format.planes[index]?.role;
    // A matte has no noise, and its edges must stay with those of the picture.
    if (plane === undefined || role === undefined || role === 'A') return null;
    if ((before === null && after === null) || plane.width < LEAST_WIDTH) return null;
    const { bits } = current.format;
    const scratch = this.#block + this.#layout.noiseAt;
    const sigma = estimateNoise(
      this.#arena,
      this.#kernels,
      plane,
      before,
      after,
      { bits, role, isGlance },
      scratch,
    );
    return computeThresholds(this.#strength, sigma, bits);
  }
}

function planeOf(frame: Frame | null, index: number): Plane | null {
  return frame?.planes[index] ?? null;
}
