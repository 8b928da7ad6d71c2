import { verify } from '../index.ts';
import { readInput, readMessageOptions, readRequest } from './arguments.ts';
import { describeVerify } from './describe-verify.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import type { RawArguments } from './raw-arguments.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel verify`: source and output, compared. */
export async function runVerifyCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, inputFrameRate } = readRequest(raw, 'verify');
  using interrupt = guardInterrupts(() => undefined);
  const report = await verify(readInput(raw, 'source'), readInput(raw, 'output'), {
    ffmpeg,
    ffprobe,
    inputFrameRate,
    logger,
    signal: interrupt.signal,
  });
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : describeVerify(report)}\n`);
  return report.ok ? EXIT_CODES.ok : EXIT_CODES.unverified;
}
