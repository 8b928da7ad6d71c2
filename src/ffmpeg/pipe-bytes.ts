import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { buildArguments } from './command.ts';
import { describeFailure, startProcess } from './process.ts';
import type { FfmpegTools } from './tools.ts';

export interface PipeBytesOptions {
  /** Options of what goes in, which say how to read it. */
  readonly input: readonly string[];
  /** Options of what comes out. */
  readonly output: readonly string[];
  /** What was being done, for the error's sentence. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/** Puts `bytes` through ffmpeg, in at its standard input and out at its standard output. Throws `FFMPEG_FAILED`, `ABORTED`. */
export async function pipeBytes(
  tools: Pick<FfmpegTools, 'ffmpeg'>,
  bytes: Uint8Array,
  { input, output, what, signal }: PipeBytesOptions,
): Promise<Buffer> {
  throwIfAborted(signal);
  const args = buildArguments({
    global: ['-v', 'error'],
    inputs: [{ path: 'pipe:0', options: input }],
    outputs: [{ path: 'pipe:1', options: output }],
  });
  const child = startProcess(tools.ffmpeg, args, { label: what, stdin: 'pipe', stdout: 'pipe', signal });
  if (child.stdin === null || child.stdout === null)
    throw new UpscaleError('INTERNAL', 'ffmpeg has no pipes.');
  child.stdin.end(bytes);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exit = await child.exited;
  throwIfAborted(signal);
  if (exit.code !== 0) throw describeFailure(exit, { what });
  return Buffer.concat(chunks);
}
