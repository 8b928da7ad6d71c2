import type { TemporalStrength } from '../../temporal/temporal-plan.ts';
import { computePsnr } from '../picture-metrics.ts';
import { addEnergy, NO_ENERGY } from './band-energy.ts';
import type { FrameDeparture } from './fidelity-meter.ts';

/** PSNR in dB of each plane against the source's, at the source's size; 99 where they agree, null where there is no such plane. */
export interface Consistency {
  readonly y: number;
  readonly u: number | null;
  readonly v: number | null;
}

/** Detail in 8-bit code values (root mean square of luma) that the source's sampling cannot hold, and its share of all detail's energy. */
export interface BeyondBand {
  readonly rms: number;
  readonly share: number;
}

export interface FrameFidelity {
  /** Number of the output's frame, from 0, and seconds after its first. */
  readonly frame: number;
  readonly time: number;
  readonly consistency: Consistency;
  readonly beyondBand: BeyondBand | null;
}

/** How much of an output is the source's, and how much was added. */
export interface FidelityReport {
  readonly source: { readonly path: string; readonly width: number; readonly height: number };
  readonly output: { readonly path: string; readonly width: number; readonly height: number };
  /** The source's frames were blended over time first, as a run does it; `off`: they were taken as they are. */
  readonly temporal: TemporalStrength;
  /** Of all frames that were compared together. */
  readonly consistency: Consistency;
  readonly worst: { readonly frame: number; readonly time: number; readonly y: number };
  /** Null where the picture is too small to tell. */
  readonly beyondBand: BeyondBand | null;
  readonly frames: readonly FrameFidelity[];
}

/** Collects what was found frame by frame. */
export class FidelityAccount {
  readonly #frames: FrameFidelity[] = [];
  readonly #sums = {
    Y: { squares: 0, samples: 0 },
    U: { squares: 0, samples: 0 },
    V: { squares: 0, samples: 0 },
  };
  #band = NO_ENERGY;
  #worst: FrameFidelity | null = null;

  /** Returns whether luma departs more than in any frame before. */
  add(frame: number, time: number, { planes, band }: FrameDeparture): boolean {
    for (const role of ['Y', 'U', 'V'] as const) {
      this.#sums[role].squares += planes[role].squares;
      this.#sums[role].samples += planes[role].samples;
    }
    this.#band = addEnergy(this.#band, band);
    const found = { frame, time, consistency: toConsistency(planes), beyondBand: toBeyondBand(band) };
    this.#frames.push(found);
    const isWorst = this.#worst === null || found.consistency.y < this.#worst.consistency.y;
    if (isWorst) this.#worst = found;
    return isWorst;
  }

  /** Null where no frame was compared. */
  finish(): Pick<FidelityReport, 'consistency' | 'worst' | 'beyondBand' | 'frames'> | null {
    if (this.#worst === null) return null;
    const { frame, time, consistency } = this.#worst;
    return {
      consistency: toConsistency(this.#sums),
      worst: { frame, time, y: consistency.y },
      beyondBand: toBeyondBand(this.#band),
      frames: this.#frames,
    };
  }
}

function toConsistency({ Y, U, V }: FrameDeparture['planes']): Consistency {
  const psnr = ({ squares, samples }: { squares: number; samples: number }): number | null =>
    samples === 0 ? null : computePsnr(squares, samples);
  return { y: psnr(Y) ?? 99, u: psnr(U), v: psnr(V) };
}

function toBeyondBand({ all, beyond, blocks }: FrameDeparture['band']): BeyondBand | null {
  if (blocks === 0) return null;
  return { rms: Math.sqrt(beyond / blocks), share: all === 0 ? 0 : beyond / all };
}
