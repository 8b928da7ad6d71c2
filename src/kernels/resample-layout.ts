import { UpscaleError } from '../core/errors.ts';
import {
  buildFilterTaps,
  type AxisMapping,
  type FilterTaps,
  type ResampleFilterName,
} from './filter-taps.ts';

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
   * How a change of depth maps code values: limited range by a power of two, full range so that white stays white.
   *
   * @defaultValue false
   */
  readonly fullRangeDepthChange?: boolean;
  /**
   * Whether code values stand for differences around the middle (128 at 8 bit), which then stays the middle when a full-range
   * plane changes its depth (H.273, 8.3). @defaultValue false
   */
  readonly isChroma?: boolean;
}

/** One array of a resampler's block of memory. */
interface Part {
  readonly offset: number;
  readonly bytes: number;
}

/** Tables and buffers of a {@link Resampler}: what they hold and where they lie in its block of the arena. */
export interface ResampleLayout {
  /** Nothing changes: the plane is copied. */
  readonly isIdentity: boolean;
  /** 8 to 8 bit, in integers. */
  readonly isInteger: boolean;
  readonly horizontal: FilterTaps;
  readonly vertical: FilterTaps;
  /** Taps as the kernels have them, filled up with zeros. */
  readonly horizontalTaps: number;
  readonly verticalTaps: number;
  /** Samples that a source row is extended by. */
  readonly padLeft: number;
  readonly padRight: number;
  /** Bytes of a row between the passes. */
  readonly ringStride: number;
  readonly parts: Record<PartName, Part>;
  readonly totalBytes: number;
}
export type PartName = 'starts' | 'coefficients' | 'rowStarts' | 'rowCoefficients' | 'row' | 'ring';

const MAX_VERTICAL_TAPS = 4096;

/** @throws UpscaleError `INTERNAL` for sizes or depths that make no sense. */
export function layOutResampler(options: ResamplerOptions): ResampleLayout {
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
