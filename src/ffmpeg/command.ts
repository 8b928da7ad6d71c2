import fluent from 'fluent-ffmpeg';
import { UpscaleError } from '../core/errors.ts';

/** One ffmpeg command in parts; options stand before the input or output that they belong to. */
export interface CommandSpec {
  readonly global?: readonly string[];
  readonly inputs: readonly CommandFile[];
  readonly outputs: readonly CommandFile[];
}

export interface CommandFile {
  /** A path, or a URL of ffmpeg's own such as `pipe:0`. */
  readonly path: string;
  readonly options?: readonly string[];
}

/** Always there: no banner, no reading of the terminal. */
const GLOBAL = ['-hide_banner', '-nostdin'];

/**
 * Builds the argument list of an ffmpeg command. Pure; every option arrives as one argument, unchanged. Existing outputs are replaced
 * (`-y`), so outputs must be names that the caller has made sure of.
 */
export function buildArguments(spec: CommandSpec): string[] {
  const command = fluent();
  for (const input of spec.inputs) {
    command.input(isFilterGraph(input) ? input.path : toFfmpegPath(input.path));
    addOptions(input.options, (...options) => command.inputOptions(...options));
  }
  for (const output of spec.outputs) {
    command.output(toFfmpegPath(output.path));
    addOptions(output.options, (...options) => command.outputOptions(...options));
  }
  return [...GLOBAL, ...(spec.global ?? []), ...(command as unknown as Built)._getArguments()];
}

/** The input of ffmpeg's own test sources is a filter graph, where a colon has its own meaning. */
function isFilterGraph(input: CommandFile): boolean {
  const at = input.options?.lastIndexOf('-f') ?? -1;
  return at >= 0 && input.options?.[at + 1] === 'lavfi';
}

interface Built {
  _getArguments(): string[];
}

/** fluent-ffmpeg splits at spaces when it is given one option alone, and not when it is given several. */
function addOptions(options: readonly string[] | undefined, add: (...options: string[]) => unknown): void {
  if (options === undefined || options.length === 0) return;
  if (options.length === 1 && options[0]?.includes(' ') === true) {
    throw new UpscaleError('INTERNAL', `A lone option must not hold a space: ${options[0]}`);
  }
  add(...options);
}

/**
 * The least shift of an input. Where none at all is asked for, ffmpeg moves what it reads of a transport or program stream so that the streams
 * that are mapped begin at zero, and not the file's first: sound that begins late would come early.
 */
export const LEAST_SHIFT = ['-itsoffset', '0.000001'] as const;

/** An output that keeps nothing of these streams of an input, so that ffmpeg reads them along; none where there are none. */
export function readAlong(input: number, streams: readonly number[]): CommandFile[] {
  if (streams.length === 0) return [];
  const maps = streams.flatMap((index) => ['-map', `${String(input)}:${String(index)}`]);
  return [{ path: 'null', options: [...maps, '-c', 'copy', '-f', 'null'] }];
}

/** A path as ffmpeg reads it: `file:` keeps a name that starts with a dash or holds a colon from being taken for something else. */
export function toFfmpegPath(path: string): string {
  if (/^(pipe|file|concat|lavfi|http|https|rtmps?|srt|udp|rtp|rtsps?|tcp):/.test(path)) return path;
  return path.startsWith('-') || path.includes(':') ? `file:${path}` : path;
}
