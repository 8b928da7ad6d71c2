import type { Frame } from '../../core/frame.ts';
import { planeSize, type PlaneRole } from '../../core/pixel-format.ts';
import { alignUp, type Arena } from '../../kernels/arena.ts';
import { chromaMapping } from '../../kernels/chroma-mapping.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { Resampler, resamplerBytes, type ResamplerOptions } from '../../kernels/resample.ts';
import type { YuvReading } from '../yuv-frames.ts';
import { measureBandEnergy, type BandEnergy } from './band-energy.ts';

/** The planes that are compared. */
export const FIDELITY_PLANES = ['Y', 'U', 'V'] as const;
type MeasuredPlane = (typeof FIDELITY_PLANES)[number];

/** How far one frame of an output, brought back to the source's samples, departs from what the source says. */
export interface FrameDeparture {
  /** Sums of squared differences in 8-bit code values, and the samples of each plane. */
  readonly planes: Readonly<Record<MeasuredPlane, { readonly squares: number; readonly samples: number }>>;
  readonly band: BandEnergy;
}

/** The depth that planes are compared in, whatever depth they have: finer than any rounding of theirs. */
const BITS = 16;
const STEP = 2 ** (BITS - 8);

interface MeteredPlane {
  readonly role: MeasuredPlane;
  readonly source: number;
  readonly output: number;
  readonly options: ResamplerOptions;
}

/**
 * Brings frames of an output down to the source's samples (bicubic, widened against aliases, each plane by its own siting) and compares
 * them with the source's frames there. Both are YUV of one matrix and range.
 */
export class FidelityMeter {
  readonly #arena: Arena;
  readonly #source: YuvReading;
  readonly #output: YuvReading;
  readonly #planes: readonly (MeteredPlane & { readonly resampler: Resampler })[];
  readonly #block: number;
  readonly #departure: Float32Array;

  constructor(lane: { arena: Arena; kernels: Kernels }, source: YuvReading, output: YuvReading) {
    this.#arena = lane.arena;
    this.#source = source;
    this.#output = output;
    this.#planes = listPlanes(source, output).map((plane) => ({
      ...plane,
      resampler: new Resampler({ ...plane.options, ...lane }),
    }));
    this.#block = lane.arena.allocate(scratchBytes(source));
    this.#departure = new Float32Array(source.decode.width * source.decode.height);
  }

  /** Of the frame compared last: absolute differences of luma in 8-bit code values, a value for each of the source's samples. */
  get departure(): Float32Array {
    return this.#departure;
  }

  /** Compares two frames, which keep their owner. */
  compare(source: Frame, output: Frame): FrameDeparture {
    const planes = {
      Y: { squares: 0, samples: 0 },
      U: { squares: 0, samples: 0 },
      V: { squares: 0, samples: 0 },
    };
    for (const { role, source: from, output: to, resampler } of this.#planes) {
      const [own, other] = [source.planes[from], output.planes[to]];
      if (own === undefined || other === undefined) continue;
      resampler.run(other.offset, this.#block);
      const samples = own.width * own.height;
      planes[role] = { squares: this.#sumSquares(source, own.offset, samples, role === 'Y'), samples };
    }
    return { planes, band: this.#measureBand(output) };
  }

  dispose(): void {
    this.#arena.release(this.#block);
    for (const { resampler } of this.#planes) resampler.dispose();
  }

  #sumSquares({ format }: Frame, offset: number, samples: number, isLuma: boolean): number {
    const own = readSamples(this.#arena, offset, samples, format.bytesPerSample);
    const other = this.#arena.words(this.#block, samples);
    const shift = BITS - format.bits;
    let squares = 0;
    for (let i = 0; i < samples; i++) {
      const difference = (((own[i] ?? 0) << shift) - (other[i] ?? 0)) / STEP;
      squares += difference * difference;
      if (isLuma) this.#departure[i] = Math.abs(difference);
    }
    return squares;
  }

  #measureBand({ format, planes: [luma] }: Frame): BandEnergy {
    if (luma === undefined) return { all: 0, beyond: 0, blocks: 0 };
    const { width, height } = luma;
    const samples = readSamples(this.#arena, luma.offset, width * height, format.bytesPerSample);
    return measureBandEnergy(samples, { width, height, bits: format.bits }, this.#source.decode);
  }
}

/** Arena bytes that a meter takes beside the frames. */
export function meterBytes(source: YuvReading, output: YuvReading): number {
  return listPlanes(source, output).reduce(
    (sum, { options }) => sum + alignUp(resamplerBytes(options)),
    alignUp(scratchBytes(source)),
  );
}

function scratchBytes({ decode }: YuvReading): number {
  return 2 * decode.width * decode.height;
}

function readSamples(
  arena: Arena,
  offset: number,
  samples: number,
  bytesPerSample: 1 | 2,
): Uint8Array | Uint16Array {
  return bytesPerSample === 1 ? arena.bytes(offset, samples) : arena.words(offset, samples);
}

function listPlanes(source: YuvReading, output: YuvReading): MeteredPlane[] {
  const find = ({ format }: YuvReading, role: PlaneRole): number =>
    format.planes.findIndex((plane) => plane.role === role);
  return FIDELITY_PLANES.flatMap((role) => {
    const [from, to] = [find(source, role), find(output, role)];
    const options = describeShrinking(source, output, from, to, role !== 'Y');
    return options === null ? [] : [{ role, source: from, output: to, options }];
  });
}

function describeShrinking(
  source: YuvReading,
  output: YuvReading,
  from: number,
  to: number,
  isChroma: boolean,
): ResamplerOptions | null {
  const [own, other] = [source.format.planes[from], output.format.planes[to]];
  if (own === undefined || other === undefined) return null;
  const grid = ({ decode, color }: YuvReading, plane: typeof own): Parameters<typeof chromaMapping>[0] => ({
    width: decode.width,
    height: decode.height,
    log2Width: plane.log2Width,
    log2Height: plane.log2Height,
    location: color.chromaLocation,
  });
  return {
    from: {
      ...planeSize(output.format, to, output.decode.width, output.decode.height),
      bits: output.format.bits,
    },
    to: { ...planeSize(source.format, from, source.decode.width, source.decode.height), bits: BITS },
    filter: 'bicubic',
    ...(isChroma ? { mapping: chromaMapping(grid(output, other), grid(source, own)) } : {}),
  };
}
