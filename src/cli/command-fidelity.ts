import path from 'node:path';
import { stat } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import { fidelity } from '../index.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './command-table.ts';
import { describeFidelity } from './describe-fidelity.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';
import { refuseExisting, writePicture } from './write-picture.ts';

/** `upreel fidelity`: how much of an output its source says. */
export async function runFidelityCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, inputFrameRate } = readRequest(raw, 'fidelity');
  const [source, output] = [readInput(raw, 'source'), readInput(raw, 'output')];
  const picture = readOption(raw, 'heatmap') as string | undefined;
  if (picture !== undefined) await guardPicture(path.resolve(picture), [source, output], raw);
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

/** A picture replaces no video, whatever was asked for, and nothing else unless it was. */
async function guardPicture(picture: string, videos: readonly string[], raw: RawArguments): Promise<void> {
  const own = await stat(picture).catch(() => null);
  for (const video of videos) {
    const other = await stat(video).catch(() => null);
    if (own === null || other?.ino !== own.ino || other.dev !== own.dev) continue;
    throw new UpscaleError('OUTPUT_IS_SOURCE', `The heat map ${picture} would replace ${video}.`, {
      hint: 'Give it another name with --heatmap PATH.',
    });
  }
  if (raw['overwrite'] !== true) await refuseExisting(picture);
}
