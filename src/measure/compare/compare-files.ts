import { UpscaleError } from '../../core/errors.ts';
import type { Frame } from '../../core/frame.ts';
import { frameBytes, type PlaneRole } from '../../core/pixel-format.ts';
import { toNumber } from '../../core/rational.ts';
import type { Source } from '../../decode/source.ts';
import { Arena } from '../../kernels/arena.ts';
import { pairFrames, type PairCounts } from '../pair-frames.ts';
import { computePsnr } from '../picture-metrics.ts';
import type { ReadOptions } from '../read-packets.ts';
import {
  frameStep,
  planYuvReading,
  readYuvFrames,
  refuseOtherShape,
  takeBodies,
  type YuvReading,
} from '../yuv-frames.ts';
import { findOffset, scaleReading } from './align-files.ts';
import { copyPlane, sumSquares, toBits, type MeasuredPlane } from './measured-plane.ts';
import type { WorstFrames } from './worst-frames.ts';
import { computeMultiScaleSsim, computeSsim } from './structural-similarity.ts';
import { explainNoVmaf, VmafMeter, type VmafSummary } from './vmaf-meter.ts';

/** How like its reference one frame is, or all are in the mean. PSNR in dB, 99 where samples agree. */
export interface Likeness {
  readonly psnrY: number;
  /** Null where the files' chroma is not sampled alike. */
  readonly psnrU: number | null;
  readonly psnrV: number | null;
  /** Of luma; null where the picture is too small. */
  readonly ssim: number | null;
  readonly msSsim: number | null;
  /** Of luma, 0 to 100; null where the ffmpeg in use cannot measure it. */
  readonly vmaf: number | null;
  /** PSNR of luma's change since the frame before: flicker that the reference does not have lowers it. Null for first frames. */
  readonly flicker: number | null;
  /** Strength of luma's differences between neighbouring samples, as a multiple of the reference's. */
  readonly sharpness: number;
}

export interface FrameLikeness extends Likeness {
  readonly frame: number;
  /** Seconds after the first frame. */
  readonly time: number;
}

export interface Alignment {
  /** Number of the reference's frame that the output's first frame is compared with; negative where the output begins earlier. */
  readonly offset: number;
  /** Size of the output's frames before they were brought to that of the reference; null where it is the same. */
  readonly scaledFrom: { readonly width: number; readonly height: number } | null;
  /** Frames of the output, and of the reference, that the other file does not have. */
  readonly outside: { readonly output: number; readonly reference: number };
}

export interface ComparisonReport {
  readonly reference: string;
  readonly output: string;
  readonly width: number;
  readonly height: number;
  /** How the output was brought to the reference; null where that was not asked for. */
  readonly alignment: Alignment | null;
  /** PSNR over all samples, all else the mean of the frames. */
  readonly all: Likeness;
  readonly vmaf: VmafSummary;
  readonly worst: { readonly frame: number; readonly time: number; readonly psnrY: number };
  readonly frames: readonly FrameLikeness[];
}

/** A frame that is more like its neighbour by this many dB stands in the wrong place; above the second figure nothing can be told. */
const CLEARLY_DB = 2.5;
const EQUAL_DB = 48;

/**
 * Compares two files frame by frame: the first with the first, to the last, or with `align` at the shift that fits best.
 *
 * @throws UpscaleError `USAGE` for files of other sizes, rates or numbers of frames, and where one is a frame behind the other
 */
export async function compareFiles(
  reference: Source,
  output: Source,
  {
    worst,
    align = false,
    vmafModel,
    ...read
  }: ReadOptions & {
    /** Is shown every pair of frames. */
    readonly worst?: WorstFrames | undefined;
    /** Look for a constant shift, and scale the output to the reference's size. @defaultValue false */
    readonly align?: boolean | undefined;
    /** Path of a VMAF model in libvmaf's JSON. @defaultValue the one built into libvmaf */
    readonly vmafModel?: string | undefined;
  },
): Promise<ComparisonReport> {
  const own = planYuvReading(reference);
  const { width, height } = own.decode;
  const withoutVmaf = await explainNoVmaf(read.tools, width, height);
  if (withoutVmaf !== null && vmafModel !== undefined) {
    throw new UpscaleError('USAGE', `VMAF cannot be measured: ${withoutVmaf}.`, {
      hint: 'Or leave --vmaf-model out.',
    });
  }
  const plain = planYuvReading(output, { like: own.color });
  const isScaled = align && sizeOf(plain) !== sizeOf(own);
  if (isScaled) refuseOtherShape(reference, output);
  const other = isScaled ? scaleReading(plain, width, height) : plain;
  refuseMisfit(own, other, align);
  const offset = align ? await findOffset(own, other, read) : 0;
  const bytesOf = ({ format, decode }: YuvReading): number =>
    frameBytes(format, decode.width, decode.height) + 64;
  const arena = new Arena(4 * bytesOf(own) + 3 * bytesOf(other));
  const counts: PairCounts = { paired: 0, unpaired: 0 };
  const pairs = pairFrames(
    takeBodies(readYuvFrames(own, { ...read, arena })),
    takeBodies(readYuvFrames(other, { ...read, arena })),
    {
      referenceTick: toNumber(own.decode.timeBase),
      outputTick: toNumber(other.decode.timeBase),
      offset: offset * frameStep(own),
      tolerance: frameStep(own) / 2,
      counts,
    },
  );
  const account = new ComparisonAccount(arena);
  const { bits } = own.format;
  await using meter =
    withoutVmaf === null ? await VmafMeter.open({ ...read, width, height, bits, model: vmafModel }) : null;
  for await (const { reference: a, output: b, index, time } of pairs) {
    const { psnrY, luma } = account.add(a, b, index, time);
    await meter?.add(luma.reference, luma.output);
    worst?.offer({ frame: index, time, psnrY, reference: a, output: b }, arena, own.color);
  }
  const strays = counts.unpaired - (align ? countOutside(framesOf(own), framesOf(other), offset) : 0);
  if (strays > 0) {
    throw new UpscaleError(
      'USAGE',
      `${String(strays)} frames of ${output.path} are shown at times at which ${reference.path} has none.`,
      { hint: 'Compare files of one frame rate and length.' },
    );
  }
  account.refuseOffset(reference.path, output.path);
  const vmaf = await meter?.finish();
  const alignment = {
    offset,
    scaledFrom: isScaled ? { width: plain.decode.width, height: plain.decode.height } : null,
    outside: { output: counts.unpaired, reference: framesOf(own) - counts.paired },
  };
  return {
    reference: reference.path,
    output: output.path,
    ...{ width, height, alignment: align ? alignment : null },
    ...account.finish(vmaf?.frames),
    vmaf: vmaf?.summary ?? { leftOut: withoutVmaf ?? '' },
  };
}

/** Frames of the output before the reference's first and behind its last. */
function countOutside(reference: number, output: number, offset: number): number {
  const shared = Math.min(reference - offset, output) - Math.max(0, -offset);
  return output - Math.max(0, shared);
}

function framesOf({ source }: YuvReading): number {
  return source.video.scan.frames;
}

function sizeOf({ decode }: YuvReading): string {
  return `${String(decode.width)}x${String(decode.height)}`;
}

function refuseMisfit(reference: YuvReading, output: YuvReading, align: boolean): void {
  const differ = (what: string, a: string, b: string, hint: string): never => {
    throw new UpscaleError(
      'USAGE',
      `${reference.source.path} has ${what} ${a}, and ${output.source.path} ${b}.`,
      { hint },
    );
  };
  if (sizeOf(reference) !== sizeOf(output)) {
    differ(
      'a size of',
      sizeOf(reference),
      sizeOf(output),
      'Bring it to the size of the reference with --align.',
    );
  }
  const [a, b] = [frameStep(reference), frameStep(output)];
  if (Math.abs(a / b - 1) > 0.005) {
    differ('a frame rate of', (1 / a).toFixed(3), (1 / b).toFixed(3), 'Compare files of one frame rate.');
  }
  const [own, other] = [framesOf(reference), framesOf(output)];
  if (own !== other && !align) {
    differ('a number of frames of', String(own), String(other), 'Compare what both have with --align.');
  }
}

interface Seen {
  readonly reference: MeasuredPlane;
  readonly output: MeasuredPlane;
}

class ComparisonAccount {
  readonly #arena: Arena;
  readonly #frames: Omit<FrameLikeness, 'vmaf'>[] = [];
  readonly #totals = new Map<PlaneRole, { squares: number; samples: number }>();
  #before: Seen | null = null;
  /** Frames that can tell, and of those the ones that fit better a frame earlier or later. */
  readonly #places = { telling: 0, early: 0, late: 0 };

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  add(reference: Frame, output: Frame, frame: number, time: number): { psnrY: number; luma: Seen } {
    const [a, b] = [copyPlane(reference, 'Y', this.#arena), copyPlane(output, 'Y', this.#arena)];
    if (a === null || b === null) throw new UpscaleError('INTERNAL', 'A frame has no luma.');
    const seen = { reference: a, output: b };
    const psnrY = this.#measurePlane('Y', a, b);
    const chroma = (['U', 'V'] as const).map((role) => {
      const [own, other] = [copyPlane(reference, role, this.#arena), copyPlane(output, role, this.#arena)];
      const isAlike = own?.width === other?.width && own?.height === other?.height;
      return own === null || other === null || !isAlike ? null : this.#measurePlane(role, own, other);
    });
    this.#frames.push({
      frame,
      time,
      psnrY,
      psnrU: chroma[0] ?? null,
      psnrV: chroma[1] ?? null,
      ssim: computeSsim(a, toBits(b, a.bits)),
      msSsim: computeMultiScaleSsim(a, toBits(b, a.bits)),
      flicker: this.#before === null ? null : measureFlickerPsnr(this.#before, seen),
      sharpness: measureDetail(b) / Math.max(1e-9, measureDetail(a)),
    });
    if (this.#before !== null) this.#lookForOffset(this.#before, seen, psnrY);
    this.#before = seen;
    return { psnrY, luma: seen };
  }

  /** Throws `USAGE` where most frames that can tell fit better one frame earlier or later. */
  refuseOffset(reference: string, output: string): void {
    const { telling, early, late } = this.#places;
    if (telling < 2 || Math.max(early, late) * 2 <= telling) return;
    throw new UpscaleError(
      'USAGE',
      `The frames of ${output} come ${late > early ? 'later' : 'earlier'} than those of ${reference}: they fit better one frame on.`,
      { hint: 'Find the frame that both begin with by --align.' },
    );
  }

  finish(vmaf: readonly number[] = []): Pick<ComparisonReport, 'all' | 'worst' | 'frames'> {
    const frames = this.#frames.map((frame, i) => ({ ...frame, vmaf: vmaf[i] ?? null }));
    const [first] = frames;
    if (first === undefined) {
      throw new UpscaleError('SOURCE_DAMAGED', 'Not a single frame could be compared.', {
        hint: 'See with upreel probe whether both files decode.',
      });
    }
    const worst = frames.reduce((a, b) => (b.psnrY < a.psnrY ? b : a), first);
    const psnr = (role: PlaneRole): number | null => {
      const total = this.#totals.get(role);
      return total === undefined ? null : computePsnr(total.squares, total.samples);
    };
    return {
      all: {
        psnrY: psnr('Y') ?? 99,
        psnrU: psnr('U'),
        psnrV: psnr('V'),
        ssim: meanOf(frames.map(({ ssim }) => ssim)),
        msSsim: meanOf(frames.map(({ msSsim }) => msSsim)),
        vmaf: meanOf(vmaf),
        flicker: meanOf(frames.map(({ flicker }) => flicker)),
        sharpness: meanOf(frames.map(({ sharpness }) => sharpness)) ?? 1,
      },
      worst: { frame: worst.frame, time: worst.time, psnrY: worst.psnrY },
      frames,
    };
  }

  #lookForOffset(before: Seen, now: Seen, psnr: number): void {
    const moved = psnrOf(before.reference, now.reference);
    if (moved > EQUAL_DB || psnr > EQUAL_DB) return;
    this.#places.telling++;
    if (psnrOf(before.reference, now.output) > psnr + CLEARLY_DB) this.#places.late++;
    if (psnrOf(now.reference, before.output) > psnr + CLEARLY_DB) this.#places.early++;
  }

  #measurePlane(role: PlaneRole, a: MeasuredPlane, b: MeasuredPlane): number {
    const squares = sumSquares(a, b);
    const total = this.#totals.get(role) ?? { squares: 0, samples: 0 };
    this.#totals.set(role, { squares: total.squares + squares, samples: total.samples + a.samples.length });
    return computePsnr(squares, a.samples.length);
  }
}

function psnrOf(a: MeasuredPlane, b: MeasuredPlane): number {
  return computePsnr(sumSquares(a, b), a.samples.length);
}

function measureFlickerPsnr(before: Seen, now: Seen): number {
  const [scaleA, scaleB] = [2 ** (8 - now.reference.bits), 2 ** (8 - now.output.bits)];
  let squares = 0;
  for (let i = 0; i < now.reference.samples.length; i++) {
    const a = (now.reference.samples[i] ?? 0) - (before.reference.samples[i] ?? 0);
    const b = (now.output.samples[i] ?? 0) - (before.output.samples[i] ?? 0);
    squares += (a * scaleA - b * scaleB) ** 2;
  }
  return computePsnr(squares, now.reference.samples.length);
}

/** Root mean square of the differences between neighbours across and down, in 8-bit code values. */
function measureDetail({ samples, width, height, bits }: MeasuredPlane): number {
  let squares = 0;
  for (let y = 0; y + 1 < height; y++) {
    for (let i = y * width; i + 1 < (y + 1) * width; i++) {
      const x = (samples[i + 1] ?? 0) - (samples[i] ?? 0);
      const down = (samples[i + width] ?? 0) - (samples[i] ?? 0);
      squares += x * x + down * down;
    }
  }
  return Math.sqrt(squares / Math.max(1, 2 * (width - 1) * (height - 1))) * 2 ** (8 - bits);
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
