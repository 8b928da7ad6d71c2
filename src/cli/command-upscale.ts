import { createInterface } from 'node:readline/promises';
import { resolveUpscaleOptions, type UpscaleRequest } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { upscale, type UpscaleOutcome } from '../index.ts';
import { readInput, readMessageOptions, readRequest, type MessageOptions } from './arguments.ts';
import { describeOutcome } from './describe-outcome.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import type { RawArguments } from './command-table.ts';
import { createReporter, type ProgressReporter } from './progress-reporter.ts';

/** `upreel upscale`: the main job. */
export async function runUpscaleCommand(raw: RawArguments): Promise<number> {
  const messages = readMessageOptions(raw);
  const input = readInput(raw);
  const request = readRequest(raw, 'upscale');
  resolveUpscaleOptions(request);
  if (messages.json && request.output === '-') {
    throw new UpscaleError('USAGE', 'The video and the JSON document cannot both go to standard output.', {
      hint: 'Give a file with -o PATH, or leave out --json.',
    });
  }
  const neverAsk = raw['no-overwrite'] === true || messages.json || input === '-';
  try {
    return await run(input, request, messages);
  } catch (error) {
    const exists = error instanceof UpscaleError && error.code === 'OUTPUT_EXISTS';
    if (!exists || neverAsk || !process.stdin.isTTY || !process.stderr.isTTY) throw error;
    if (!(await askToReplace(error.message))) throw error;
    return run(input, { ...request, overwrite: true }, messages);
  }
}

async function run(input: string, request: UpscaleRequest, messages: MessageOptions): Promise<number> {
  const reporter = createReporter(messages);
  using interrupt = guardInterrupts(() => reporter.writeLine('Stopping; press Ctrl-C again to end at once.'));
  try {
    const outcome = await upscale(input, request, {
      signal: interrupt.signal,
      logger: reporter.logger,
      onProgress: reporter.listener,
    });
    reporter.close();
    printOutcome(outcome, messages);
    if (outcome.verify !== null && !outcome.verify.ok) return EXIT_CODES.unverified;
    return outcome.result.damage === null ? EXIT_CODES.ok : EXIT_CODES.damaged;
  } catch (error) {
    reporter.close();
    if (error instanceof UpscaleError && error.code === 'ABORTED') throw explainInterruption(reporter);
    throw error;
  }
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
