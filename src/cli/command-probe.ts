import { probe } from '../index.ts';
import { readInput, readMessageOptions, readRequest } from './arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { describeSource } from './describe-source.ts';
import type { RawArguments } from './raw-arguments.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel probe`: what the file is, as a table or as JSON. */
export async function runProbeCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, inputFrameRate } = readRequest(raw, 'probe');
  const source = await probe(readInput(raw), { ffmpeg, ffprobe, inputFrameRate, logger });
  process.stdout.write(`${json ? JSON.stringify(source, null, 2) : describeSource(source)}\n`);
  return EXIT_CODES.ok;
}
