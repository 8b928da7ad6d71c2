import { UpscaleError } from '../../core/errors.ts';
import type { Frame } from '../../core/frame.ts';
import { frameBytes } from '../../core/pixel-format.ts';
import { toNumber } from '../../core/rational.ts';
import type { Deinterlace } from '../../decode/plan-fields.ts';
import type { Source } from '../../decode/source.ts';
import { Arena } from '../../kernels/arena.ts';
import { loadKernels, type Kernels } from '../../kernels/kernels.ts';
import { blendTemporal, temporalBytes } from '../../temporal/blend-temporal.ts';
import type { TemporalPlan, TemporalStrength } from '../../temporal/temporal-plan.ts';
import { pairFrames, type PairCounts } from '../pair-frames.ts';
import type { ReadOptions } from '../read-packets.ts';
import {
  frameStep,
  planYuvReading,
  readYuvFrames,
  refuseOtherShape,
  takeBodies,
  type YuvReading,
} from '../yuv-frames.ts';
import type { Departures } from './draw-heat-map.ts';
import { FidelityMeter, meterBytes } from './fidelity-meter.ts';
import { FidelityAccount, type FidelityReport } from './fidelity-report.ts';

export interface MeasureFidelityOptions extends ReadOptions {
  /** Blend the source's frames over time first, as a run of that strength does. @defaultValue off */
  readonly temporal?: TemporalStrength;
  /** How the source's fields were turned into frames. @defaultValue what gives the output's number of frames */
  readonly deinterlace?: Deinterlace;
}

export interface MeasuredFidelity {
  readonly report: FidelityReport;
  readonly departures: Departures;
}

/** Share of frames, and number, that may lack a partner: containers and damaged sources lose some at the ends. */
const MOST_UNPAIRED = { share: 0.02, frames: 2 };

/**
 * Says how much of an output its source says: each frame is brought back to the source's samples and compared with the source's frame
 * of the same moment, and what lies above the source's band limit is measured.
 *
 * @throws UpscaleError `USAGE` for files that do not show the same frames, or an output that is smaller than its source; what decoding throws
 */
export async function measureFidelity(
  source: Source,
  output: Source,
  options: MeasureFidelityOptions,
): Promise<MeasuredFidelity> {
  const { temporal = 'off', deinterlace = chooseFields(source, output), ...read } = options;
  const own = planYuvReading(source, { deinterlace });
  const other = planYuvReading(output, { like: own.color });
  refuseMisfit(own, other);
  const plan: TemporalPlan = { strength: temporal, radius: temporal === 'off' ? 0 : 1 };
  const arena = new Arena(countBytes(own, other, plan));
  const kernels = await loadKernels(arena);
  const comparison = new FidelityComparison({ arena, kernels }, own, other);
  const decoded = readYuvFrames(own, { ...read, arena });
  const counts: PairCounts = { paired: 0, unpaired: 0 };
  const pairs = pairFrames(
    blendTemporal(decoded, plan, { arena, kernels }),
    takeBodies(readYuvFrames(other, { ...read, arena })),
    {
      referenceTick: toNumber(own.decode.timeBase),
      outputTick: toNumber(other.decode.timeBase),
      tolerance: frameStep(own) / 2,
      counts,
    },
  );
  try {
    for await (const { reference, output: frame, index, time } of pairs) {
      comparison.add(reference, frame, index, time);
    }
    refuseUnpaired(counts, own, other);
    return comparison.finish(temporal);
  } finally {
    comparison.dispose();
    await decoded.return(undefined);
  }
}

/** Compares frames one after another and keeps what the report and the heat map need. */
export class FidelityComparison {
  readonly #source: YuvReading;
  readonly #output: YuvReading;
  readonly #arena: Arena;
  readonly #meter: FidelityMeter;
  readonly #account = new FidelityAccount();
  readonly #mean: Float32Array;
  #worst: Pick<Departures['worst'], 'luma' | 'departure'> | null = null;
  #frames = 0;

  constructor(lane: { arena: Arena; kernels: Kernels }, source: YuvReading, output: YuvReading) {
    this.#arena = lane.arena;
    this.#source = source;
    this.#output = output;
    this.#meter = new FidelityMeter(lane, source, output);
    this.#mean = new Float32Array(source.decode.width * source.decode.height);
  }

  /** Takes one pair, which keeps its owner. */
  add(source: Frame, output: Frame, index: number, time: number): void {
    const found = this.#meter.compare(source, output);
    const { departure } = this.#meter;
    departure.forEach((value, i) => (this.#mean[i] = (this.#mean[i] ?? 0) + value));
    this.#frames++;
    if (!this.#account.add(index, time, found)) return;
    this.#worst = { departure: departure.slice(), luma: readLuma(this.#arena, source) };
  }

  /** Throws `SOURCE_DAMAGED` where nothing was compared. */
  finish(temporal: TemporalStrength): MeasuredFidelity {
    const found = this.#account.finish();
    if (found === null || this.#worst === null) {
      throw new UpscaleError('SOURCE_DAMAGED', 'Not a single frame could be compared.', {
        hint: 'See with upreel probe whether both files decode.',
      });
    }
    const describe = ({ source }: YuvReading): FidelityReport['source'] => ({
      path: source.path,
      width: source.video.displayWidth,
      height: source.video.displayHeight,
    });
    const { width, height } = this.#source.decode;
    return {
      report: { source: describe(this.#source), output: describe(this.#output), temporal, ...found },
      departures: {
        width,
        height,
        worst: { ...this.#worst, frame: found.worst.frame, y: found.worst.y },
        mean: this.#mean.map((sum) => sum / this.#frames),
      },
    };
  }

  dispose(): void {
    this.#meter.dispose();
  }
}

/** Arena bytes of a comparison: the frames that are alive at once on both sides, the meter, blending. */
export function countBytes(source: YuvReading, output: YuvReading, temporal: TemporalPlan): number {
  const bytesOf = ({ format, decode }: YuvReading): number =>
    frameBytes(format, decode.width, decode.height) + 64;
  const { width, height } = source.decode;
  // One being read, two between which the nearest is chosen; blending holds three and makes one.
  const own = 3 + (temporal.radius > 0 ? 2 * temporal.radius + 2 : 1);
  const total =
    own * bytesOf(source) +
    3 * bytesOf(output) +
    meterBytes(source, output) +
    temporalBytes(temporal, source.format, width, height);
  return Math.ceil(total * 1.05) + 1024 * 1024;
}

function readLuma(arena: Arena, { format, planes: [luma] }: Frame): Uint8Array {
  if (luma === undefined) return new Uint8Array();
  const samples = luma.width * luma.height;
  if (format.bytesPerSample === 1) return arena.bytes(luma.offset, samples).slice();
  return Uint8Array.from(arena.words(luma.offset, samples), (value) => value >> (format.bits - 8));
}

function chooseFields(source: Source, output: Source): Deinterlace {
  const [own, other] = [source.video.scan.frames, output.video.scan.frames];
  return fieldsFor(source, Math.abs(other - 2 * own) < Math.abs(other - own));
}

/** How fields become frames: not at all where there are none, else one of each field (`isDoubled`) or of each frame. */
export function fieldsFor({ video }: Source, isDoubled: boolean): Deinterlace {
  const { found } = video.fields;
  if (found === 'progressive' || found === 'unknown') return 'off';
  return isDoubled || found === 'telecine' ? 'auto' : 'frame';
}

function refuseMisfit(source: YuvReading, output: YuvReading): void {
  refuseOtherShape(source.source, output.source);
  const [own, other] = [source.decode, output.decode];
  if (other.width < own.width || other.height < own.height) {
    throw new UpscaleError(
      'USAGE',
      `${other.path} (${String(other.width)}x${String(other.height)}) is smaller than its source (${String(own.width)}x${String(own.height)}).`,
      { hint: 'Name the source first and what was upscaled from it second.' },
    );
  }
  const expected = source.source.video.scan.frames * own.framesPerInput;
  const actual = output.source.video.scan.frames;
  const slack = Math.max(MOST_UNPAIRED.frames, MOST_UNPAIRED.share * expected);
  if (Math.abs(expected - actual) <= slack || !source.source.video.scan.complete) return;
  throw new UpscaleError(
    'USAGE',
    `${other.path} has ${String(actual)} frames where ${own.path} gives ${String(expected)}.`,
    { hint: 'Compare a whole output with the whole source that it was made of.' },
  );
}

function refuseUnpaired({ paired, unpaired }: PairCounts, source: YuvReading, output: YuvReading): void {
  if (unpaired <= Math.max(MOST_UNPAIRED.frames, MOST_UNPAIRED.share * (paired + unpaired))) return;
  throw new UpscaleError(
    'USAGE',
    `${String(unpaired)} frames of ${output.source.path} are shown at times at which ${source.source.path} has none.`,
    { hint: 'See with upreel verify what became of the times.' },
  );
}
