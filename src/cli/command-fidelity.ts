import path from 'node:path';
import { fidelity } from '../index.ts';
import { guardOutputFile } from '../pipeline/output-guard.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { describeFidelity } from './describe-fidelity.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';
import { writePicture } from './write-picture.ts';

/** `upreel fidelity`: how much of an output its source says. */
export async function runFidelityCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, inputFrameRate } = readRequest(raw, 'fidelity');
  const [source, output] = [readInput(raw, 'source'), readInput(raw, 'output')];
  const picture = readOption(raw, 'heatmap') as string | undefined;
  if (picture !== undefined) {
    const overwrite = raw['overwrite'] === true;
    for (const video of [source, output]) await guardOutputFile(path.resolve(picture), video, overwrite);
  }
  using interrupt = guardInterrupts(() => undefined);
  const { report, heatMap } = await fidelity(source, output, {
    ffmpeg,
    ffprobe,
    inputFrameRate,
    logger,
    signal: interrupt.signal,
    blended: raw['blended'] === true,
    heatMap: picture !== undefined,
  });
  if (picture !== undefined && heatMap !== null) await writePicture(path.resolve(picture), heatMap);
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : describeFidelity(report)}\n`);
  return EXIT_CODES.ok;
}
