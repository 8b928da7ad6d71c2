import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { findTools } from '../ffmpeg/tools.ts';
import { compare, WorstFrames } from '../index.ts';
import { guardOutputFile } from '../pipeline/output-guard.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { describeComparison, listFigures } from './describe-comparison.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';
import { renderComparison } from './render-comparison.ts';
import { writePicture } from './write-picture.ts';

/** Pairs of frames that the page shows. */
const WORST = 3;

/** `upreel compare`: how like its reference a file is, frame by frame. */
export async function runCompareCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, inputFrameRate } = readRequest(raw, 'compare');
  const [reference, output] = [readInput(raw, 'reference'), readInput(raw, 'output')];
  const folder = readOption(raw, 'html') as string | undefined;
  const page = folder === undefined ? null : path.resolve(folder, 'compare.html');
  if (page !== null) {
    await makeFolder(path.dirname(page));
    for (const video of [reference, output]) await guardOutputFile(page, video, raw['overwrite'] === true);
  }
  const worst = page === null ? undefined : new WorstFrames(WORST);
  using interrupt = guardInterrupts(() => undefined);
  const report = await compare(reference, output, {
    ffmpeg,
    ffprobe,
    inputFrameRate,
    logger,
    signal: interrupt.signal,
    worst,
    align: raw['align'] === true,
    vmafModel: readOption(raw, 'vmaf-model') as string | undefined,
  });
  if (page !== null && worst !== undefined) {
    const tools = await findTools({
      ...(ffmpeg === undefined ? {} : { ffmpeg }),
      ...(ffprobe === undefined ? {} : { ffprobe }),
    });
    const drawn = await worst.draw({ tools, signal: interrupt.signal });
    await writePicture(page, Buffer.from(renderComparison(report, listFigures(report), drawn)));
  }
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : describeComparison(report)}\n`);
  return EXIT_CODES.ok;
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `The folder ${folder} cannot be made.`, {
      cause: error,
      hint: 'Give another folder with --html FOLDER.',
    });
  });
}
