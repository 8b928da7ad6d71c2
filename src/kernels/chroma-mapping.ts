import type { ChromaLocation } from '../core/color.ts';
import type { AxisMapping } from './filter-taps.ts';
import type { PlaneMapping } from './resample-layout.ts';

/** How a frame's chroma plane lies over its luma. */
export interface ChromaGrid {
  /** Size of the luma plane. */
  readonly width: number;
  readonly height: number;
  /** log2 of the subsampling. */
  readonly log2Width: number;
  readonly log2Height: number;
  readonly location: ChromaLocation;
}

/**
 * Where the chroma samples of a frame `to` lie on the chroma grid of `from`, both frames covering the same ground. For 4:2:0
 * with `left` chroma (MPEG-2 and H.264's default) the first chroma sample stands over the first luma column, between the first
 * two rows; this position is kept when the picture grows, which is why chroma moves by another offset than luma does.
 *
 * `unknown` counts as `left`. Positions are those of H.273 / H.264 Annex E `chroma_sample_loc_type`.
 */
export function chromaMapping(from: ChromaGrid, to: ChromaGrid): PlaneMapping {
  return {
    x: mapAxis(
      { length: from.width, log2: from.log2Width, phase: phaseX(from) },
      { length: to.width, log2: to.log2Width, phase: phaseX(to) },
    ),
    y: mapAxis(
      { length: from.height, log2: from.log2Height, phase: phaseY(from) },
      { length: to.height, log2: to.log2Height, phase: phaseY(to) },
    ),
  };
}

interface ChromaAxis {
  /** Luma samples. */
  readonly length: number;
  readonly log2: number;
  /** Luma coordinate of chroma sample 0. */
  readonly phase: number;
}

function mapAxis(from: ChromaAxis, to: ChromaAxis): AxisMapping {
  const step = from.length / to.length;
  return {
    scale: step * 2 ** (to.log2 - from.log2),
    offset: ((to.phase + 0.5) * step - 0.5 - from.phase) / 2 ** from.log2,
  };
}

function phaseX({ location, log2Width }: ChromaGrid): number {
  return location === 'center' || location === 'top' || location === 'bottom' ? (2 ** log2Width - 1) / 2 : 0;
}

function phaseY({ location, log2Height }: ChromaGrid): number {
  const span = 2 ** log2Height - 1;
  if (location === 'topleft' || location === 'top') return 0;
  return location === 'bottomleft' || location === 'bottom' ? span : span / 2;
}
