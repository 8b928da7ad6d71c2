import type { Frame } from '../core/frame.ts';
import type { Arena } from '../kernels/arena.ts';

/** What is kept of a frame to tell whether another one shows the same scene. */
export interface SceneSummary {
  /** Share of the looked-at samples in each of 32 ranges of code values. */
  readonly histogram: Float64Array;
  /** Means of 16 x 12 cells, white being 1. */
  readonly cells: Float64Array;
}

const BINS = 32;
const COLUMNS = 16;
const ROWS = 12;
/** Samples looked at in a frame, about. */
const SAMPLES = 12_000;

/** Summarises the first plane (luma, or green). Noise hardly shows in the result, motion little. */
export function summariseScene(arena: Arena, frame: Frame): SceneSummary {
  const plane = frame.planes[0] ?? { offset: 0, width: 0, height: 0 };
  const { width, height } = plane;
  const count = width * height;
  const samples =
    frame.format.bytesPerSample === 1 ? arena.bytes(plane.offset, count) : arena.words(plane.offset, count);
  const histogram = new Int32Array(BINS);
  const sums = new Int32Array(COLUMNS * ROWS);
  const counts = new Int32Array(COLUMNS * ROWS);
  const step = Math.max(1, Math.floor(Math.sqrt(count / SAMPLES)));
  const binShift = frame.format.bits - 5;
  const across = Math.ceil(width / step);
  const cellColumns = Uint8Array.from({ length: across }, (_, i) => Math.floor((i * step * COLUMNS) / width));
  const down = Math.ceil(height / step);
  for (let row = 0; row < down; row++) {
    const y = row * step;
    const cellRow = Math.floor((y * ROWS) / height) * COLUMNS;
    for (let i = 0, at = y * width; i < across; i++, at += step) {
      const value = samples[at] ?? 0;
      const bin = value >> binShift;
      const cell = cellRow + (cellColumns[i] ?? 0);
      histogram[bin] = (histogram[bin] ?? 0) + 1;
      sums[cell] = (sums[cell] ?? 0) + value;
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  const total = across * down;
  const white = 2 ** frame.format.bits - 1;
  return {
    histogram: Float64Array.from(histogram, (n) => n / total),
    cells: Float64Array.from(sums, (sum, i) => sum / Math.max(1, counts[i] ?? 0) / white),
  };
}

/** Mean change of a cell, of white, from which on two frames never count as one scene. */
const CHANGED_CELLS = 0.09;
/** Smaller change that is a cut when the histograms differ as well. */
const SUSPECT_CELLS = 0.025;
const CHANGED_HISTOGRAM = 0.35;

/**
 * Whether a cut, a flash or a steep fade lies between two frames. It leans to "yes": a cut seen where there is none costs a
 * little noise in one frame, one that is missed could show one scene through another.
 */
export function hasChanged(a: SceneSummary, b: SceneSummary): boolean {
  const cells = sumDifferences(a.cells, b.cells) / (COLUMNS * ROWS);
  if (cells > CHANGED_CELLS) return true;
  return cells > SUSPECT_CELLS && sumDifferences(a.histogram, b.histogram) / 2 > CHANGED_HISTOGRAM;
}

function sumDifferences(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum;
}
