import path from 'node:path';
import { buildArguments } from '../ffmpeg/command.ts';
import { runFfmpeg, runFfprobe, type RunToolOptions } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { AssemblePlan } from './encode-plan.ts';

interface UnpackOptions extends Pick<RunToolOptions, 'signal' | 'logger'> {
  readonly tools: FfmpegTools;
}

/** A track as a raw stream. */
export interface SpeechFile {
  readonly path: string;
  /** When it begins, in microseconds after the start of the file that it is from. */
  readonly start: bigint;
}

/**
 * Whether a track is AMR. Telephones put several frames of it into a packet, which ffmpeg cannot copy, and of which ffmpeg 5 decodes the
 * first alone: four fifths of the sound would be silence. In a raw stream each frame is a packet.
 */
export function isSpeech(codec: string): boolean {
  return /^amr_[nw]b$/.test(codec);
}

/** Writes a track of AMR as a raw stream. */
export async function unpackTrack(
  source: { readonly path: string; readonly inputOptions: readonly string[] },
  index: number,
  target: string,
  { tools, signal, logger }: UnpackOptions,
): Promise<void> {
  const args = buildArguments({
    global: ['-v', 'error', '-y'],
    inputs: [{ path: source.path, options: [...source.inputOptions] }],
    outputs: [{ path: target, options: ['-map', `0:${String(index)}`, '-c', 'copy', '-f', 'amr'] }],
  });
  await runFfmpeg(tools, args, { what: `taking the sound out of ${source.path}`, signal, logger });
}

/** Takes the source's tracks of AMR out of it, by stream index. */
export async function unpackSpeech(
  { source, streams }: AssemblePlan,
  { workDirectory, ...options }: UnpackOptions & { readonly workDirectory: string },
): Promise<Map<number, SpeechFile>> {
  const files = new Map<number, SpeechFile>();
  for (const { index, action, codec } of streams) {
    if (action === 'drop' || !isSpeech(codec)) continue;
    const file = path.join(workDirectory, `speech-${String(index)}.amr`);
    await unpackTrack(source, index, file, options);
    const begin = (await readFirstTime(source, index, options)) ?? source.startTime;
    files.set(index, { path: file, start: BigInt(Math.round((begin - source.startTime) * 1e6)) });
  }
  return files;
}

/** Time of a stream's first packet in seconds of the file's own clock; null where it has none. */
export async function readFirstTime(
  source: AssemblePlan['source'],
  index: number,
  { tools, signal, logger }: UnpackOptions,
): Promise<number | null> {
  const picked = ['-select_streams', String(index), '-read_intervals', '%+#1'];
  const shown = ['-show_entries', 'packet=pts_time', '-of', 'csv=p=0', source.path];
  const what = `reading the sound of ${source.path}`;
  const args = ['-v', 'error', ...source.inputOptions, ...picked, ...shown];
  const begin = Number.parseFloat(await runFfprobe(tools, args, { what, signal, logger }));
  return Number.isNaN(begin) ? null : begin;
}
