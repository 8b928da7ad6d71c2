import { alignUp, type Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { BLOCK, countBlocks, type PyramidLayout } from './luma-pyramid.ts';

/** Vectors without a level above are searched this far, in samples of the coarsest level. */
const COARSE_RANGE = 7;
/** What a sample of distance from what neighbours foretell costs, in sums of absolute differences of 64 samples. */
const SMOOTHNESS = 12;
/** Variance of the noise over that of vectors around their neighbours', for the steps below a sample. */
const PRIOR = 60;
const ROUNDS = 2;
/** Distances between a vector and the one that leads back, in sixteenths of a sample of half size (eighths of luma). */
const NEAR = 6;
const FAR = 14;
const MATCH_BYTES = 64;

/** Motion of one frame's blocks into another: vectors in eighths of a luma sample, and how far each is trusted. */
export interface MotionField {
  /** Arena offset of two int16 a block. */
  readonly vectors: number;
  /** Arena offset of an int16 a block, 0..32767. */
  readonly trust: number;
}

/** Motion between two frames, both ways. */
export interface MotionPair {
  /** Of the earlier frame's blocks, into the later one. */
  readonly forward: MotionField;
  /** Of the later frame's blocks, into the earlier one. */
  readonly backward: MotionField;
  /** What motion leaves unexplained of the picture, 0..1 and above where nothing fits; brightness does not count. Null if it was not asked for. */
  readonly unexplained: number | null;
  dispose(): void;
}

/** Arena bytes of an estimator, and of each pair that it has estimated. */
export function motionBytes(
  layout: PyramidLayout,
  width: number,
  height: number,
): { own: number; pair: number } {
  const [columns, rows] = countBlocks(width, height);
  return {
    own: 2 * coarseBytes(layout) + MATCH_BYTES,
    pair: 2 * (alignUp(4 * columns * rows) + alignUp(2 * columns * rows)),
  };
}

function coarseBytes({ levels }: PyramidLayout): number {
  return alignUp(4 * Math.max(1, ...levels.slice(1).map(({ columns, rows }) => columns * rows)));
}

/**
 * Estimates motion between frames of one size: hierarchical block matching on pyramids of luma, with overlapped windows and a prior for smooth
 * vectors, then two steps by the gradient below a sample (Lucas and Kanade 1981). A pair's motion depends on its two frames alone.
 */
export class MotionEstimator {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #layout: PyramidLayout;
  readonly #columns: number;
  readonly #rows: number;
  /** Two int16 a block of the two coarse levels that are being worked on, and the results of the match. */
  readonly #scratch: number;
  readonly #coarseBytes: number;

  constructor(
    { arena, kernels }: { readonly arena: Arena; readonly kernels: Kernels },
    layout: PyramidLayout,
    { width, height }: { readonly width: number; readonly height: number },
  ) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#layout = layout;
    [this.#columns, this.#rows] = countBlocks(width, height);
    this.#coarseBytes = coarseBytes(layout);
    this.#scratch = arena.allocate(motionBytes(layout, width, height).own);
  }

  /** Takes arena memory for the pair until it is disposed of. */
  estimate(earlier: number, later: number, isMatchWanted: boolean): MotionPair {
    const blocks = this.#columns * this.#rows;
    const [vectorBytes, trustBytes] = [alignUp(4 * blocks), alignUp(2 * blocks)];
    const at = this.#arena.allocate(2 * (vectorBytes + trustBytes));
    const forward = { vectors: at, trust: at + 2 * vectorBytes };
    const backward = { vectors: at + vectorBytes, trust: forward.trust + trustBytes };
    const dispose = (): void => {
      this.#arena.release(at);
    };
    const [finest] = this.#layout.levels;
    if (finest === undefined) {
      this.#arena.bytes(at, 2 * vectorBytes).fill(0);
      this.#arena.words(forward.trust, trustBytes).fill(0x7fff);
      return { forward, backward, unexplained: isMatchWanted ? 1 : null, dispose };
    }
    const matches = [
      this.#search(earlier, later, forward.vectors, isMatchWanted),
      this.#search(later, earlier, backward.vectors, isMatchWanted),
    ];
    this.#check(forward, backward);
    this.#check(backward, forward);
    return { forward, backward, unexplained: isMatchWanted ? Math.min(...matches) : null, dispose };
  }

  dispose(): void {
    this.#arena.release(this.#scratch);
  }

  #search(from: number, to: number, vectors: number, isMatchWanted: boolean): number {
    const { levels } = this.#layout;
    let parent = { at: 0, columns: 0, rows: 0 };
    let unexplained = 1;
    for (let index = levels.length - 1; index >= 0; index--) {
      const level = levels[index];
      if (level === undefined) continue;
      const { width, height, stride, step, columns, rows } = level;
      const [current, reference] = [from + level.offset, to + level.offset];
      const at = index === 0 ? vectors : this.#scratch + (index % 2) * this.#coarseBytes;
      this.#kernels.searchBlocks(
        current,
        reference,
        stride,
        width,
        height,
        step,
        columns,
        rows,
        parent.at,
        parent.columns,
        parent.rows,
        COARSE_RANGE,
        SMOOTHNESS,
        at,
      );
      if (index === 1 && isMatchWanted) unexplained = this.#measureMatch(current, reference, level, at);
      if (index === 0) {
        this.#kernels.refineVectors(
          current,
          reference,
          stride,
          width,
          height,
          step,
          columns,
          rows,
          PRIOR,
          ROUNDS,
          at,
        );
      }
      parent = { at, columns, rows };
    }
    return unexplained;
  }

  #measureMatch(
    current: number,
    reference: number,
    level: { readonly stride: number; readonly columns: number; readonly rows: number },
    vectors: number,
  ): number {
    const results = this.#scratch + 2 * this.#coarseBytes;
    this.#kernels.measureMatch(current, reference, level.stride, level.columns, level.rows, vectors, results);
    const [left = 0, whole = 0] = new Int32Array(this.#arena.memory.buffer, results, 2);
    return whole === 0 ? 0 : left / whole;
  }

  #check(field: MotionField, back: MotionField): void {
    this.#kernels.checkVectors(
      BLOCK / 2,
      this.#columns,
      this.#rows,
      field.vectors,
      back.vectors,
      NEAR,
      FAR,
      field.trust,
    );
  }
}
