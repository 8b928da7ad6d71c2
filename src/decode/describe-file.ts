import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { readFfprobeDocument, type FfprobeDocument } from './ffprobe-json.ts';

/** Has ffprobe describe streams, container and chapters. Throws `SOURCE_UNREADABLE` when it finds no media. */
export async function describeFile(
  file: string,
  options: {
    readonly tools: FfmpegTools;
    readonly inputOptions: readonly string[];
    readonly signal?: AbortSignal | undefined;
    readonly logger?: Logger | undefined;
  },
): Promise<{ document: FfprobeDocument; stderr: string }> {
  const child = startProcess(
    options.tools.ffprobe,
    [
      ...['-v', 'level+warning', ...options.inputOptions],
      ...['-show_format', '-show_streams', '-show_chapters', '-of', 'json', toFfmpegPath(file)],
    ],
    { label: 'probe', stdin: 'ignore', stdout: 'pipe', signal: options.signal, logger: options.logger },
  );
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exit = await child.exited;
  throwIfAborted(options.signal);
  if (exit.signal !== null) {
    throw new UpscaleError('FFMPEG_FAILED', `ffprobe crashed on ${file} (${exit.signal}).`, {
      hint: 'Install a newer ffmpeg, or name another one with --ffprobe PATH.',
      details: readLastWords(exit.stderr),
    });
  }
  const document = readFfprobeDocument(Buffer.concat(chunks).toString('utf8'));
  if (document.format === undefined && document.streams.length === 0)
    throw describeUnreadable(file, exit.stderr);
  return { document, stderr: exit.stderr };
}

function describeUnreadable(file: string, stderr: string): UpscaleError {
  const indexMissing = /moov atom not found/.test(stderr);
  const reason = indexMissing
    ? 'its index is missing, so it is no video or its recording never ended properly'
    : 'it is no video that ffmpeg knows';
  return new UpscaleError('SOURCE_UNREADABLE', `${file} cannot be read: ${reason}.`, {
    hint: indexMissing
      ? 'Check that it plays; a recovery tool may rebuild an index from a whole file of the same camera.'
      : 'Check that it plays, and that its name has the right ending.',
    details: readLastWords(stderr),
  });
}

/** The last lines of ffprobe's stderr, without the prefixes that only we asked for. */
export function readLastWords(stderr: string): string {
  return stderr
    .split('\n')
    .slice(-4)
    .map((line) => line.replace(/\[(warning|error|fatal)\] /, ''))
    .join('\n');
}
