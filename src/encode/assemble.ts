import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Notice } from '../core/notice.ts';
import { describeFailure, runFfmpeg, startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { buildAssembleCommand } from './assemble-arguments.ts';
import { buildConcatList, effectiveOrigin, sourceOrigin, type AssemblySegment } from './concat-list.ts';
import type { AssemblePlan, EncodePlan } from './encode-plan.ts';
import { flush, linkIntoPlace, moveIntoPlace } from './move-into-place.ts';
import { appendMovieTags } from './movie-tags.ts';
import { polishMovie, type MovieFacts } from './polish-movie.ts';
import { writeSidecar } from './provenance.ts';
import { trackClock } from './track-clock.ts';
import { readFirstTime, unpackSpeech } from './unpack-speech.ts';

export interface AssembleOptions {
  readonly tools: FfmpegTools;
  /** Where lists and temporary files go: the segments' own folder, best on the output's file system. */
  readonly workDirectory: string;
  /** Called with the finished file before it gets its name, so that a caller can tell afterwards whose it is. Not for pictures and standard output. */
  readonly onWritten?: ((temporary: string) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

export interface AssembledFile {
  readonly path: string;
  readonly bytes: number;
  readonly notices: readonly Notice[];
}

/**
 * Joins the segments and puts back sound, subtitles, chapters, attachments, tags and timecode. The file is written in the work folder,
 * flushed and renamed: it is whole or absent; the document beside it, where the plan
 * has one, comes after it. Throws `OUTPUT_EXISTS` when a file came to be there meanwhile and
 * overwriting was not asked for.
 */
export async function assemble(
  plan: AssemblePlan,
  encode: EncodePlan,
  segments: readonly AssemblySegment[],
  options: AssembleOptions,
): Promise<AssembledFile> {
  if (plan.muxer === 'image2') return assemblePictures(plan, segments);
  const list = path.join(options.workDirectory, 'segments.ffconcat');
  await writeFile(list, buildConcatList(segments, plan.timeBase));
  if (plan.path === '-') return streamToStdout(plan, encode, segments, list, options);

  const part = `assembled-${randomBytes(4).toString('hex')}${path.extname(plan.path)}`;
  const temporary = path.join(options.workDirectory, part);
  try {
    const covers = await extractCovers(plan, options);
    const speech = await unpackSpeech(plan, options);
    const delay = await findDelay(plan, segments, options);
    const files = { list, output: temporary, covers, speech, delay };
    const command = buildAssembleCommand(plan, encode, segments, files);
    await runFfmpeg(options.tools, command, {
      what: `writing ${plan.path}`,
      code: 'ENCODER_FAILED',
      hint: 'The segments are kept: run the same command again, or choose another container with -o.',
      signal: options.signal,
      logger: options.logger,
    });
    if (plan.muxer === 'mp4' || plan.muxer === 'mov') {
      await polishMovie(temporary, describeMovie(plan, encode, segments));
      await appendMovieTags(temporary, plan.provenance?.movieTags ?? {});
    }
    await flush(temporary);
    await options.onWritten?.(temporary);
    await moveIntoPlace(temporary, plan.path, plan.overwrite);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const { size: bytes } = await stat(plan.path);
  await writeSidecar(plan, bytes);
  return { path: plan.path, bytes, notices: [] };
}

/** Writes the source's cover pictures into the work folder, for containers that hold them as attached files. */
async function extractCovers(plan: AssemblePlan, options: AssembleOptions): Promise<Map<number, string>> {
  const covers = new Map<number, string>();
  if (plan.muxer !== 'matroska') return covers;
  for (const { index, type, action, codec } of plan.streams) {
    if (type !== 'cover' || action === 'drop') continue;
    const file = path.join(
      options.workDirectory,
      `cover-${String(index)}.${codec === 'png' ? 'png' : 'jpg'}`,
    );
    const args = buildArguments({
      global: ['-v', 'error'],
      inputs: [{ path: plan.source.path, options: plan.source.inputOptions }],
      outputs: [
        {
          path: file,
          options: ['-map', `0:${String(index)}`, '-c', 'copy', '-frames:v', '1', '-f', 'image2'],
        },
      ],
    });
    const { signal, logger, tools } = options;
    await runFfmpeg(tools, args, { what: `taking the cover out of ${plan.source.path}`, signal, logger });
    covers.set(index, file);
  }
  return covers;
}

/**
 * How far sound that is copied begins before zero, in microseconds, where the container cannot say so: AAC out of MP4 does, by its priming. ffmpeg shifts
 * all streams itself then, but 4.1 only once it sees such a packet, and reordered frames of video are written before.
 */
async function findDelay(
  plan: AssemblePlan,
  segments: readonly AssemblySegment[],
  options: AssembleOptions,
): Promise<bigint> {
  if ((plan.muxer !== 'matroska' && plan.muxer !== 'webm') || plan.source.part !== null) return 0n;
  const origin = sourceOrigin(plan, segments);
  let delay = 0n;
  for (const { index, type, action } of plan.streams) {
    if (type !== 'audio' || action !== 'copy') continue;
    const begin = await readFirstTime(plan.source, index, options);
    if (begin === null) continue;
    const before = origin - BigInt(Math.round(begin * 1e6));
    if (before > delay) delay = before;
  }
  return delay;
}

function describeMovie(
  { originTicks, timecode }: AssemblePlan,
  { timeBase, frameRate, color }: EncodePlan,
  segments: readonly AssemblySegment[],
): MovieFacts {
  const firstPts = segments[0]?.firstPts ?? 0;
  const last = segments.at(-1);
  const end = (last?.lastPts ?? 0) + (last?.lastDuration ?? 0);
  const clock = trackClock(timeBase, { frameRate, hasTimecode: timecode !== null });
  const ticks = timeBase.num * (clock / timeBase.den);
  return {
    clock,
    start: (firstPts - effectiveOrigin(originTicks, segments)) * ticks,
    length: (end - firstPts) * ticks,
    color,
  };
}

async function streamToStdout(
  plan: AssemblePlan,
  encode: EncodePlan,
  segments: readonly AssemblySegment[],
  list: string,
  options: AssembleOptions,
): Promise<AssembledFile> {
  const child = startProcess(
    options.tools.ffmpeg,
    buildAssembleCommand(plan, encode, segments, {
      list,
      output: 'pipe:1',
      speech: await unpackSpeech(plan, options),
      delay: await findDelay(plan, segments, options),
    }),
    { label: 'assembly', stdin: 'ignore', stdout: 'pipe', signal: options.signal, logger: options.logger },
  );
  let bytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => (bytes += chunk.length));
  child.stdout?.pipe(process.stdout, { end: false });
  const reader = { gone: false };
  process.stdout.once('error', () => {
    reader.gone = true;
    void child.stop();
  });
  const exit = await child.exited;
  // What was written last may still be on its way, or not be taken.
  await new Promise<void>((resolve) => {
    process.stdout.write('', (error) => {
      reader.gone ||= error != null;
      resolve();
    });
  });
  if (reader.gone) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', 'The reader of standard output closed it before the end.', {
      hint: 'Run the same command again, with -o FILE or a reader that takes everything: the finished segments are kept.',
    });
  }
  if (exit.code !== 0)
    throw describeFailure(exit, { what: 'writing to standard output', code: 'ENCODER_FAILED' });
  return { path: '-', bytes, notices: [] };
}

/**
 * Gives the pictures of all segments their final names, in order. Where nothing is replaced the segments keep them too, so that a run that is
 * cut off here can go on.
 */
async function assemblePictures(
  plan: AssemblePlan,
  segments: readonly AssemblySegment[],
): Promise<AssembledFile> {
  let number = firstPictureNumber(plan);
  let bytes = 0;
  await mkdir(path.dirname(plan.path), { recursive: true });
  for (const segment of segments) {
    for (const name of (await readdir(segment.path)).sort()) {
      const file = path.join(segment.path, name);
      bytes += (await stat(file)).size;
      const target = pictureName(plan.path, number++);
      if (plan.overwrite) await rename(file, target);
      else await linkIntoPlace(file, target);
    }
  }
  await writeSidecar(plan, bytes);
  return { path: plan.path, bytes, notices: [] };
}

/** The number that the first picture of a pattern gets. */
export function firstPictureNumber({ muxerArguments }: AssemblePlan): number {
  const start = muxerArguments.indexOf('-start_number');
  return start === -1 ? 1 : Number(muxerArguments[start + 1]);
}

/** The name of picture `number` of a pattern; a name without a number is that of the only picture. */
export function pictureName(pattern: string, number: number): string {
  return pattern.replace(/%(0\d+)?d/, (_match, width: string | undefined) =>
    String(number).padStart(Number(width ?? 1), '0'),
  );
}
