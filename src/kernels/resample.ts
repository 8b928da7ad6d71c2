import { UpscaleError } from '../core/errors.ts';
import type { Arena } from './arena.ts';
import {
  buildFilterTaps,
  quantiseTaps,
  type AxisMapping,
  type FilterTaps,
  type ResampleFilterName,
} from './filter-taps.ts';
import type { Kernels } from './kernels.ts';

/** Size and depth of a plane. Samples are uint8 for 8 bits, uint16 above; rows are tightly packed. */
export interface PlaneSize {
  readonly width: number;
  readonly height: number;
  /** 8 to 16. */
  readonly bits: number;
}

/** Where output samples lie on the source's grid. */
export interface PlaneMapping {
  readonly x: AxisMapping;
  readonly y: AxisMapping;
}

export interface ResamplerOptions {
  readonly from: PlaneSize;
  readonly to: PlaneSize;
  readonly filter: ResampleFilterName;
  /** @defaultValue both planes cover the same ground */
  readonly mapping?: PlaneMapping;
  /**
   * How a change of depth maps code values: limited range (and chroma, of either range) by a power of two, full range so that white stays
   * white. @defaultValue false
   */
  readonly fullRangeDepthChange?: boolean;
}

/** One array of a resampler's block of memory. */
interface Part {
  readonly offset: number;
  readonly bytes: number;
}

interface Layout {
  readonly isIdentity: boolean;
  readonly isInteger: boolean;
  readonly horizontal: FilterTaps;
  readonly vertical: FilterTaps;
  readonly horizontalTaps: number;
  readonly verticalTaps: number;
  readonly padLeft: number;
  readonly padRight: number;
  readonly ringStride: number;
  readonly parts: Record<PartName, Part>;
  readonly totalBytes: number;
}
type PartName = 'starts' | 'coefficients' | 'rowStarts' | 'rowCoefficients' | 'row' | 'ring';

const MAX_VERTICAL_TAPS = 4096;

/** Bytes of the arena that a {@link Resampler} with these options takes. */
export function resamplerBytes(options: ResamplerOptions): number {
  return layOut(options).totalBytes;
}

/**
 * Brings planes of one size and depth to another: separable polyphase filtering, antialiased when it shrinks, edge samples
 * repeated. 8 to 8 bit runs in integers (14-bit coefficients, 7 fractional bits between the passes), all else in float32. Results lie within 0.51 code values
 * of exact arithmetic at moderate ratios; flat ground stays exactly flat.
 */
export class Resampler {
  readonly #kernels: Kernels;
  readonly #arena: Arena;
  readonly #options: ResamplerOptions;
  readonly #layout: Layout;
  readonly #block: number;
  #disposed = false;

  /** @throws UpscaleError `INTERNAL` for sizes or depths that make no sense, `MEMORY_BUDGET` when the arena is full. */
  constructor(options: ResamplerOptions & { readonly kernels: Kernels; readonly arena: Arena }) {
    this.#kernels = options.kernels;
    this.#arena = options.arena;
    this.#options = options;
    this.#layout = layOut(options);
    this.#block = options.arena.allocate(this.#layout.totalBytes);
    if (!this.#layout.isIdentity) this.#writeTables();
  }

  /**
   * Resamples the plane at byte offset `source` into the one at `target`. They must not overlap; offsets of 16-bit planes are
   * even.
   */
  run(source: number, target: number): void {
    if (this.#disposed) throw new UpscaleError('INTERNAL', 'A resampler was used after it was disposed of.');
    const { from, to } = this.#options;
    const layout = this.#layout;
    if (layout.isIdentity) {
      const bytes = from.width * from.height * (from.bits > 8 ? 2 : 1);
      this.#kernels.copyRows(source, bytes, target, bytes, bytes, 1);
      return;
    }
    const at = (part: PartName): number => this.#block + layout.parts[part].offset;
    const sampleBytes = layout.isInteger ? 2 : 4;
    const row = at('row') + layout.padLeft * sampleBytes;
    if (layout.isInteger) {
      this.#kernels.resampleBytes(
        source,
        from.width,
        from.height,
        target,
        to.width,
        to.height,
        row,
        layout.padLeft,
        layout.padRight,
        at('ring'),
        layout.ringStride,
        at('starts'),
        at('coefficients'),
        layout.horizontalTaps,
        at('rowStarts'),
        at('rowCoefficients'),
        layout.verticalTaps,
      );
      return;
    }
    this.#kernels.resampleFloats(
      source,
      from.bits > 8,
      from.width,
      from.height,
      target,
      to.bits > 8,
      to.width,
      to.height,
      row,
      layout.padLeft,
      layout.padRight,
      at('ring'),
      layout.ringStride,
      at('starts'),
      at('coefficients'),
      layout.horizontalTaps,
      at('rowStarts'),
      at('rowCoefficients'),
      layout.verticalTaps,
      depthGain(this.#options),
      2 ** to.bits - 1,
    );
  }

  /** Gives the tables' memory back. A second call throws `INTERNAL`. */
  dispose(): void {
    this.#disposed = true;
    this.#arena.release(this.#block);
  }

  #writeTables(): void {
    const { horizontal, vertical, horizontalTaps, verticalTaps, padLeft, isInteger, parts } = this.#layout;
    const buffer = this.#arena.memory.buffer;
    const at = (part: PartName): number => this.#block + parts[part].offset;
    new Uint8Array(buffer, this.#block, this.#layout.totalBytes).fill(0);
    const sampleBytes = isInteger ? 2 : 4;
    const starts = new Uint32Array(buffer, at('starts'), horizontal.starts.length);
    horizontal.starts.forEach((start, j) => (starts[j] = (start + padLeft) * sampleBytes));
    new Int32Array(buffer, at('rowStarts'), vertical.starts.length).set(vertical.starts);
    const axes = [
      { part: 'coefficients', filter: horizontal, taps: horizontalTaps },
      { part: 'rowCoefficients', filter: vertical, taps: verticalTaps },
    ] as const;
    for (const { part, filter, taps } of axes) {
      const values = isInteger ? quantiseTaps(filter) : filter.coefficients;
      const length = filter.starts.length * taps;
      const table = isInteger
        ? new Int16Array(buffer, at(part), length)
        : new Float32Array(buffer, at(part), length);
      for (let j = 0; j < filter.starts.length; j++) {
        table.set(values.subarray(j * filter.taps, (j + 1) * filter.taps), j * taps);
      }
    }
  }
}

/** What code values are multiplied with when the depth changes. */
function depthGain({ from, to, fullRangeDepthChange = false }: ResamplerOptions): number {
  return fullRangeDepthChange ? (2 ** to.bits - 1) / (2 ** from.bits - 1) : 2 ** (to.bits - from.bits);
}

function layOut(options: ResamplerOptions): Layout {
  const { from, to, filter, mapping } = options;
  for (const { width, height, bits } of [from, to]) {
    if (!(width >= 1 && height >= 1 && bits >= 8 && bits <= 16)) {
      throw new UpscaleError('INTERNAL', `Cannot resample a plane of ${width}x${height} at ${bits} bits.`);
    }
  }
  const horizontal = buildFilterTaps(filter, from.width, to.width, mapping?.x);
  const vertical = buildFilterTaps(filter, from.height, to.height, mapping?.y);
  const isInteger = from.bits === 8 && to.bits === 8;
  const horizontalTaps = roundUp(horizontal.taps, isInteger && horizontal.taps > 4 ? 8 : 4);
  const verticalTaps = isInteger ? roundUp(vertical.taps, 2) : vertical.taps;
  if (verticalTaps > MAX_VERTICAL_TAPS) {
    throw new UpscaleError(
      'INTERNAL',
      `Cannot shrink ${from.height} rows to ${to.height}: the step is too large.`,
    );
  }
  const padLeft = Math.max(0, -horizontal.starts.reduce((a, b) => Math.min(a, b)));
  const lastStart = horizontal.starts.reduce((a, b) => Math.max(a, b));
  const padRight = Math.max(0, lastStart + horizontalTaps - from.width);

  const sampleBytes = isInteger ? 2 : 4;
  // Kernels work on whole vectors: 8 columns in the horizontal pass, 16 in the vertical one.
  const columns = roundUp(to.width, 16);
  const ringStride = columns * sampleBytes;
  const sizes: Record<PartName, number> = {
    starts: columns * 4,
    coefficients: columns * horizontalTaps * sampleBytes,
    rowStarts: to.height * 4,
    rowCoefficients: to.height * verticalTaps * sampleBytes,
    // The padding columns' taps start at 0 and may reach past a very narrow row.
    row: (padLeft + from.width + padRight + horizontalTaps) * sampleBytes,
    ring: verticalTaps * ringStride,
  };
  let totalBytes = 0;
  const place = (part: PartName): Part => {
    const offset = totalBytes;
    totalBytes += roundUp(sizes[part], 64);
    return { offset, bytes: sizes[part] };
  };
  const parts = {
    starts: place('starts'),
    coefficients: place('coefficients'),
    rowStarts: place('rowStarts'),
    rowCoefficients: place('rowCoefficients'),
    row: place('row'),
    ring: place('ring'),
  };
  const isIdentity =
    from.bits === to.bits &&
    isCopy(horizontal, from.width, to.width) &&
    isCopy(vertical, from.height, to.height);
  return {
    isIdentity,
    isInteger,
    horizontal,
    vertical,
    horizontalTaps,
    verticalTaps,
    padLeft,
    padRight,
    ringStride,
    parts,
    // A copy needs no tables, only a block to give back.
    totalBytes: isIdentity ? 64 : totalBytes,
  };
}

function isCopy({ taps, starts }: FilterTaps, from: number, to: number): boolean {
  return taps === 1 && from === to && starts.every((start, j) => start === j);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
