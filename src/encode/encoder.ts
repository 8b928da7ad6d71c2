import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { NutWriter } from '../ffmpeg/nut-writer.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import { describeFailure, startProcess, type RunningProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { Arena } from '../kernels/arena.ts';
import type { EncodePlan } from './encode-plan.ts';
import { settleSegmentTimes, usualLastTicks } from './segment-times.ts';
import { timescale } from './track-clock.ts';

export interface EncoderOptions {
  readonly arena: Arena;
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** How long the last frame is shown. @defaultValue as the rate says, or as long as the one before */
  readonly lastTicks?: number | null | undefined;
}

export interface EncodedSegment {
  readonly frames: number;
  readonly bytes: number;
}

export interface SegmentEncoder {
  /** Takes the frame over and disposes of it; resolves when the encoder has its bytes. Its `pts` are absolute. */
  write(frame: Frame): Promise<void>;
  /** Lets the encoder finish its file, which is empty where no frame came. Throws `ENCODER_FAILED` with its last words, or `DISK_SPACE`. */
  finish(): Promise<EncodedSegment>;
  /** Ends the encoder at once; the file is not whole. */
  abort(): Promise<void>;
}

/**
 * Starts the encoder of one segment. The file's times begin at zero with the segment's first frame; assembly puts them in place.
 * For pictures `target` is a folder that they are numbered in.
 */
export async function openEncoder(
  plan: EncodePlan,
  target: string,
  options: EncoderOptions,
): Promise<SegmentEncoder> {
  const pictures = plan.segmentContainer === 'image2';
  await rm(target, { recursive: true, force: true });
  if (pictures) await mkdir(target, { recursive: true });
  const output = pictures ? path.join(target, `%08d.${plan.segmentExtension}`) : target;
  let encoding = await startEncoding(plan, output, options);
  /** Copies of the first frames, for encoders that fail on so few. */
  let held: Uint8Array[] = [];
  const times: number[] = [];
  let firstPts = 0;

  const fail = async (): Promise<never> => {
    const exit = await encoding.child.exited;
    if (options.signal?.aborted === true) throw new UpscaleError('ABORTED', 'The run was stopped.');
    throw describeFailure(exit, {
      what: `encoding with ${plan.encoder}`,
      code: 'ENCODER_FAILED',
      hint: 'Its own words say why; another --encoder or fewer --encoder-args may do.',
    });
  };

  return {
    async write(frame) {
      try {
        if (times.length === 0) firstPts = frame.pts;
        times.push(frame.pts - firstPts);
        const bytes = options.arena.bytes(frame.offset, frame.byteLength);
        held = needsHeldFrames(plan, times.length) ? [...held, bytes.slice()] : [];
        await encoding.writer.writeFrame(frame.pts - firstPts, bytes);
      } finally {
        frame.dispose();
      }
      if (encoding.gone()) await fail();
    },
    async finish() {
      if (times.length === 0) {
        // Where nothing of the source decodes there is a hole, and ffmpeg takes no stream without frames.
        await encoding.child.stop();
        if (!pictures) await writeFile(target, '');
        return { frames: 0, bytes: 0 };
      }
      if (held.length > 0) {
        await encoding.child.stop();
        encoding = await startEncoding(withoutReordering(plan), output, options);
        for (const [i, bytes] of held.entries()) await encoding.writer.writeFrame(times[i] ?? 0, bytes);
        held = [];
      }
      await encoding.writer.end();
      const exit = await encoding.child.exited;
      if (exit.code !== 0) await fail();
      await checkSegment(plan, target, times, options.lastTicks ?? usualLastTicks(plan, times));
      return { frames: times.length, bytes: await measureBytes(target) };
    },
    async abort() {
      await encoding.child.stop();
    },
  };
}

interface Encoding {
  readonly child: RunningProcess;
  readonly writer: NutWriter;
  readonly gone: () => boolean;
}

async function startEncoding(plan: EncodePlan, output: string, options: EncoderOptions): Promise<Encoding> {
  const child = startProcess(options.tools.ffmpeg, buildEncoderCommand(plan, output, options.tools), {
    label: 'encoder',
    stdin: 'pipe',
    stdout: 'ignore',
    signal: options.signal,
    logger: options.logger,
  });
  if (child.stdin === null) throw new UpscaleError('INTERNAL', 'The encoder has no stdin.');
  const writer = new NutWriter(child.stdin, {
    format: pixelFormat(plan.inputFormat),
    width: plan.width,
    height: plan.height,
    timeBase: plan.timeBase,
    sampleAspectRatio: plan.sampleAspectRatio,
  });
  let gone = false;
  const leave = (): void => void (gone = true);
  child.exited.then(leave, leave);
  await writer.writeHeader();
  return { child, writer, gone: () => gone };
}

/** x265 gives the frames of a clip of one or two arbitrary decoding times when it may reorder them. */
const X265_LEAST_FRAMES = 3;

function needsHeldFrames({ encoder }: EncodePlan, frames: number): boolean {
  return encoder === 'libx265' && frames < X265_LEAST_FRAMES;
}

function withoutReordering(plan: EncodePlan): EncodePlan {
  const encoderArguments = plan.encoderArguments.map((argument, i, all) =>
    all[i - 1] === '-x265-params' ? `${argument}:bframes=0` : argument,
  );
  return { ...plan, encoderArguments };
}

/** The command that turns NUT on stdin into a segment. Pure. */
export function buildEncoderCommand(
  plan: EncodePlan,
  output: string,
  tools: Pick<FfmpegTools, 'features'>,
): string[] {
  const { num, den } = plan.timeBase;
  const muxers: Readonly<Record<EncodePlan['segmentContainer'], string[]>> = {
    mov: [
      '-f',
      'mov',
      '-movflags',
      '+write_colr',
      '-video_track_timescale',
      String(timescale(plan.timeBase)),
    ],
    mp4: [
      '-f',
      'mp4',
      '-movflags',
      '+write_colr',
      '-video_track_timescale',
      String(timescale(plan.timeBase)),
      '-strict',
      'experimental',
    ],
    matroska: ['-f', plan.segmentExtension === 'webm' ? 'webm' : 'matroska'],
    nut: ['-f', 'nut'],
    image2: ['-f', 'image2'],
  };
  const hardware = plan.encoder.endsWith('_vaapi') ? ['-vaapi_device', '/dev/dri/renderD128'] : [];
  return buildArguments({
    global: ['-v', 'error', ...hardware],
    inputs: [{ path: 'pipe:0', options: ['-f', 'nut'] }],
    outputs: [
      {
        path: output,
        options: [
          ...['-map', '0:v:0', '-vf', plan.filters.join(',')],
          ...keepFrameTimes(tools),
          ...['-enc_time_base', `${String(num)}/${String(den)}`],
          ...plan.encoderArguments,
          ...muxers[plan.segmentContainer],
        ],
      },
    ],
  });
}

/** Makes sure that every frame is in the file, with its own time. */
async function checkSegment(
  plan: EncodePlan,
  target: string,
  times: readonly number[],
  lastTicks: number,
): Promise<void> {
  const { timeBase } = plan;
  if (plan.segmentContainer === 'image2') {
    const pictures = (await readdir(target)).length;
    if (pictures === times.length) return;
    throw new UpscaleError(
      'ENCODER_FAILED',
      `The encoder was given ${times.length} frames and wrote ${pictures} pictures.`,
      { retryable: true },
    );
  }
  if (plan.segmentContainer !== 'mov' && plan.segmentContainer !== 'mp4') return;
  await settleSegmentTimes(target, {
    pts: times.map((ticks) => ticks * timeBase.num),
    lastDuration: lastTicks * timeBase.num,
    variable: plan.variableFrameRate,
  });
}

async function measureBytes(target: string): Promise<number> {
  const facts = await stat(target);
  if (!facts.isDirectory()) return facts.size;
  let bytes = 0;
  for (const name of await readdir(target)) bytes += (await stat(path.join(target, name))).size;
  return bytes;
}
