import { UpscaleError } from '../core/errors.ts';
import { parseRational } from '../core/rational.ts';
import { probe } from '../decode/probe.ts';
import type { Source } from '../decode/source.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';
import { checkColor } from './check-color.ts';
import { checkFrames } from './check-frames.ts';
import { checkGeometry } from './check-geometry.ts';
import { checkMetadata } from './check-metadata.ts';
import { checkPicture } from './check-picture.ts';
import { checkSound } from './check-sound.ts';
import { checkStreams } from './check-streams.ts';
import { checkSync } from './check-sync.ts';
import { countFramesPerInput, pairStreams, type Delivery } from './delivery.ts';
import { toRow, type Finding } from './finding.ts';
import { readDelivered } from './read-delivered.ts';
import { takePart } from './take-part.ts';
import { NO_PACKETS, readPackets, type ReadOptions } from './read-packets.ts';
import type { VerifyReport } from './verify-report.ts';
import { walkPlaces, walkWhole, type PictureWalk, type Undecoded } from './walk-pictures.ts';

export type { VerifyReport, VerifyRow } from './verify-report.ts';

export interface VerifyDeliveryOptions extends ReadOptions {
  readonly source: Source;
  /** Path of the finished file, or a pattern of pictures. */
  readonly outputPath: string;
  /** What the run meant to do and what it says it did; without it any two files are compared. */
  readonly run?: ({ readonly plan: Plan } & Pick<UpscaleResult, 'pts' | 'damage'>) | undefined;
  /** Decode both files whole and compare every frame and all sound, instead of all packets and a few frames. */
  readonly thorough: boolean;
  readonly inputFrameRate?: string | undefined;
}

/**
 * Checks every promise on the finished file: number and times of frames, sync, geometry, colours, depth, other streams, timecode, chapters,
 * tags, that it decodes and that it shows the source's pictures. An output that cannot be read is a failed check; what is wrong with the source throws.
 */
export async function verifyDelivery(options: VerifyDeliveryOptions): Promise<VerifyReport> {
  const { outputPath, run, thorough, tools, signal, logger } = options;
  const read: ReadOptions = { tools, signal, logger };
  const inputFrameRate =
    options.inputFrameRate === undefined
      ? (options.source.video.frameRate ?? undefined)
      : (parseRational(options.inputFrameRate) ?? undefined);
  const [{ packets }, output] = await Promise.all([
    readPackets(options.source.path, options.source.inputOptions, read),
    readDelivered(outputPath, { ...read, inputFrameRate }).catch((error: unknown) =>
      UpscaleError.from(error),
    ),
  ]);
  if (output instanceof UpscaleError) {
    if (output.code === 'ABORTED' || output.code === 'SOURCE_NOT_FOUND') throw output;
    return makeReport([
      {
        check: 'file',
        status: 'failed',
        expected: 'a video',
        actual: 'unreadable',
        note: output.details ?? output.message,
      },
    ]);
  }
  const plan = run?.plan ?? null;
  const { source, sourcePackets } = takePart(options.source, packets, plan);
  const outputFrames = (output.packets.get(output.video.index) ?? NO_PACKETS).packets;
  const known = {
    source,
    sourcePackets,
    output,
    run: run ?? null,
    framesPerInput: countFramesPerInput(source, source.video.scan.frames, outputFrames, plan),
  };
  const walk = await walkPictures(known, thorough, read);
  const delivery: Delivery = {
    ...known,
    decoded: walk.decoded ?? { source: null, output: null },
    pairs: pairStreams(source, output, plan),
  };
  return makeReport([
    ...checkFrames(delivery),
    ...(await checkSync(delivery, read)),
    ...checkGeometry(delivery),
    ...checkColor(delivery),
    ...checkPicture(delivery, walk),
    ...checkStreams(delivery),
    ...(thorough ? await checkSound(delivery, read) : []),
    ...checkMetadata(delivery),
  ]);
}

/** A few places are enough to find all well; a doubt is settled by looking at everything. */
async function walkPictures(known: Undecoded, thorough: boolean, read: ReadOptions): Promise<PictureWalk> {
  if (thorough) return walkWhole(known, read);
  const walk = await walkPlaces(known, read);
  const delivery = { ...known, decoded: { source: null, output: null }, pairs: [] };
  const good = checkPicture(delivery, walk).every(({ status }) => status !== 'failed');
  return good ? walk : walkWhole(known, read);
}

function makeReport(findings: readonly Finding[]): VerifyReport {
  const rows = findings.map(toRow);
  return { ok: rows.every(({ status }) => status !== 'failed'), rows };
}

/** Verifies what a run has just delivered; quick. */
export async function verifyRun(
  result: Pick<UpscaleResult, 'output' | 'plan' | 'pts' | 'damage'>,
  read: ReadOptions,
): Promise<VerifyReport> {
  return verifyDelivery({
    ...read,
    source: result.plan.source,
    outputPath: result.output,
    run: result,
    thorough: false,
  });
}

/** Compares any two files, made by whatever program. Throws `SOURCE_*` for a source that cannot be read. */
export async function verifyFiles(
  source: string,
  output: string,
  options: ReadOptions & { readonly thorough: boolean; readonly inputFrameRate?: string | undefined },
): Promise<VerifyReport> {
  const rate =
    options.inputFrameRate === undefined ? undefined : (parseRational(options.inputFrameRate) ?? undefined);
  return verifyDelivery({
    ...options,
    source: await probe(source, { ...options, inputFrameRate: rate }),
    outputPath: output,
  });
}
