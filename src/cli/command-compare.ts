import { compare } from '../index.ts';
import { readInput, readMessageOptions, readRequest } from './arguments.ts';
import type { RawArguments } from './command-table.ts';
import { describeComparison } from './describe-comparison.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel compare`: how like its reference a file is, frame by frame. */
export async function runCompareCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, inputFrameRate } = readRequest(raw, 'compare');
  using interrupt = guardInterrupts(() => undefined);
  const report = await compare(readInput(raw, 'reference'), readInput(raw, 'output'), {
    ffmpeg,
    ffprobe,
    inputFrameRate,
    logger,
    signal: interrupt.signal,
  });
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : describeComparison(report)}\n`);
  return EXIT_CODES.ok;
}
