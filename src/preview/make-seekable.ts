import path from 'node:path';
import { silentLogger, type Logger } from '../core/logger.ts';
import { probe } from '../decode/probe.ts';
import type { Source } from '../decode/source.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { runFfmpeg } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { canSeek } from './plan-preview.ts';

/**
 * Gives a source that any point can be jumped to: raw streams, joined recordings and picture sequences, whose frames can be found only by
 * counting from the start, are copied into a container that tells times. Nothing is decoded for it. Where that fails the source is
 * watched as it is, from its start for each segment.
 */
export async function makeSeekable(
  source: Source,
  options: {
    readonly tools: FfmpegTools;
    readonly directory: string;
    readonly signal?: AbortSignal | undefined;
    readonly logger?: Logger | undefined;
  },
): Promise<Source> {
  if (source.kind === 'image' || canSeek(source)) return source;
  const { tools, directory, signal, logger = silentLogger } = options;
  const file = path.join(directory, 'source.mkv');
  const sound = source.others.find(({ type }) => type === 'audio');
  const command = buildArguments({
    global: ['-v', 'error', '-fflags', '+genpts'],
    inputs: [{ path: source.path, options: source.inputOptions }],
    outputs: [
      {
        path: file,
        options: [
          ...['-map', `0:${String(source.video.index)}`],
          ...(sound === undefined ? [] : ['-map', `0:${String(sound.index)}`]),
          ...['-c', 'copy', '-f', 'matroska'],
        ],
      },
    ],
  });
  try {
    await runFfmpeg(tools, command, { what: 'preparing the source', signal });
    const copied = await probe(file, { tools, signal, logger });
    if (canSeek(copied)) return copied;
  } catch (error) {
    if (signal?.aborted === true) throw error;
  }
  logger.warn('This source cannot be jumped about in: each segment is decoded from the start.');
  return source;
}
