import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import {
  resolveUpscaleOptions,
  traceUpscaleOptions,
  type ResolvedOptions,
} from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { findTools } from '../ffmpeg/tools.ts';
import { upscale, type UpscaleOutcome } from '../index.ts';
import { reportFilesFor } from '../jobs/report-files.ts';
import { readInput, readMessageOptions, readOption, readRequest, type MessageOptions } from './arguments.ts';
import { describeOutcome } from './describe-outcome.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import type { RawArguments } from './raw-arguments.ts';
import { createReporter, type ProgressReporter } from './progress-reporter.ts';
import { createSettings } from './settings.ts';
import { writeCommand } from './write-command.ts';

/** `upreel upscale`: the main job. */
export async function runUpscaleCommand(raw: RawArguments): Promise<number> {
  const messages = readMessageOptions(raw);
  const input = readInput(raw);
  const request = readRequest(raw, 'upscale');
  resolveUpscaleOptions(request);
  if (await isFolder(input)) {
    const { runUpscaleFolder } = await import('./command-upscale-folder.ts');
    return runUpscaleFolder(raw, input, request, messages);
  }
  if (messages.json && request.output === '-') {
    throw new UpscaleError('USAGE', 'The video and the JSON document cannot both go to standard output.', {
      hint: 'Give a file with -o PATH, or leave out --json.',
    });
  }
  const settings = input === '-' ? [] : await createSettings(raw, path.dirname(input))(input);
  const traced = traceUpscaleOptions(request, settings);
  const report = readOption(raw, 'report') as string | undefined;
  const neverAsk = raw['no-overwrite'] === true || messages.json || input === '-';
  try {
    return await run(input, traced, messages, report);
  } catch (error) {
    const exists = error instanceof UpscaleError && error.code === 'OUTPUT_EXISTS';
    if (!exists || neverAsk || !process.stdin.isTTY || !process.stderr.isTTY) throw error;
    if (!(await askToReplace(error.message))) throw error;
    const replacing = { ...traced, options: { ...traced.options, overwrite: true } };
    return run(input, replacing, messages, report);
  }
}

/** Whether `input` is a folder of files, and no pattern of pictures. */
export async function isFolder(input: string): Promise<boolean> {
  return input !== '-' && (await stat(input).catch(() => null))?.isDirectory() === true;
}

async function run(
  input: string,
  traced: ResolvedOptions,
  messages: MessageOptions,
  report: string | undefined,
): Promise<number> {
  const reporter = createReporter(messages);
  using interrupt = guardInterrupts(() => reporter.writeLine('Stopping; press Ctrl-C again to end at once.'));
  try {
    const outcome = await upscale(input, traced.options, {
      signal: interrupt.signal,
      logger: reporter.logger,
      onProgress: reporter.listener,
    });
    reporter.close();
    if (report !== undefined && outcome.result.output !== '-') {
      await writeReport(outcome, { input, traced, folder: report, signal: interrupt.signal, reporter });
    }
    printOutcome(outcome, messages);
    if (outcome.verify !== null && !outcome.verify.ok) return EXIT_CODES.unverified;
    return outcome.result.damage === null ? EXIT_CODES.ok : EXIT_CODES.damaged;
  } catch (error) {
    reporter.close();
    if (error instanceof UpscaleError && error.code === 'ABORTED') throw explainInterruption(reporter);
    throw error;
  }
}

async function writeReport(
  { result, verify }: UpscaleOutcome,
  options: {
    readonly input: string;
    readonly traced: ResolvedOptions;
    readonly folder: string;
    readonly signal: AbortSignal;
    readonly reporter: ProgressReporter;
  },
): Promise<void> {
  const { input, traced, folder, signal, reporter } = options;
  const { listOptions, makeReport } = await import('../jobs/make-report.ts');
  const { ffmpeg, ffprobe } = traced.options;
  await makeReport(result, {
    files: reportFilesFor(path.resolve(folder), path.dirname(result.output), result.output),
    verify,
    options: listOptions(traced),
    command: writeCommand(path.resolve(input), result.output, traced),
    tools: await findTools({
      ...(ffmpeg === undefined ? {} : { ffmpeg }),
      ...(ffprobe === undefined ? {} : { ffprobe }),
    }),
    signal,
    logger: reporter.logger,
  });
}

/** Result on stdout; on stderr when the video itself went to stdout. */
function printOutcome({ result, verify }: UpscaleOutcome, { json }: MessageOptions): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ result: { ...result, pts: undefined }, verify }, null, 2)}\n`);
  } else {
    const stream = result.output === '-' ? process.stderr : process.stdout;
    stream.write(`${describeOutcome({ result, verify })}\n`);
  }
}

function explainInterruption(reporter: ProgressReporter): UpscaleError {
  const last = reporter.last();
  const kept = last?.segmentsDone ?? 0;
  const where =
    last === null
      ? 'before any frame was done'
      : `at frame ${String(last.frames)} of ${String(last.totalFrames)}, with ${String(kept)} of ${String(last.segments)} segments finished and kept`;
  return new UpscaleError('ABORTED', `Stopped ${where}.`, {
    hint: `Run the same command again to ${kept === 0 ? 'start over' : 'go on with the rest'}.`,
  });
}

async function askToReplace(message: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${message} Replace it? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
