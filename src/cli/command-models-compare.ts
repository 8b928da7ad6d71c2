import process from 'node:process';
import type { CommandName } from '../config/option-table.ts';
import { resolveUpscaleOptions } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { loadRegistry } from '../infer/registry.ts';
import { formatCrop, parseCrop } from '../pipeline/choose-crop.ts';
import { compareModels, type CompareOptions } from '../pipeline/compare-models.ts';
import { guardOutputFile } from '../pipeline/output-guard.ts';
import { resolveOutput, stemOf } from '../pipeline/output-path.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';
import { writePicture } from './write-picture.ts';

/** `upreel models compare`: a picture to choose a model by. */
export async function runModelsCompareCommand(raw: RawArguments): Promise<number> {
  const crop = readOption(raw, 'crop');
  return drawComparison(raw, {
    command: 'models compare',
    suffix: 'compare',
    crop: typeof crop === 'string' ? parseCrop(crop) : undefined,
    zoom: Number(readOption(raw, 'zoom')),
    withBaselines: true,
  });
}

/** `upreel still`: whole frames by the models that were named. */
export async function runStillCommand(raw: RawArguments): Promise<number> {
  return drawComparison(raw, {
    command: 'still',
    suffix: 'still',
    crop: 'whole',
    zoom: 1,
    withBaselines: false,
  });
}

interface Drawing extends Pick<CompareOptions, 'crop' | 'zoom' | 'withBaselines'> {
  readonly command: CommandName;
  /** Of the sheet's name. */
  readonly suffix: string;
}

async function drawComparison(raw: RawArguments, drawing: Drawing): Promise<number> {
  const { json, progress, logLevel } = readMessageOptions(raw);
  const input = readInput(raw);
  const times = readList(raw, 'at')?.map(parseTime);
  if (times === undefined) {
    throw new UpscaleError('USAGE', 'No moment was given.', {
      hint: 'Name one with --at, such as --at 12.5.',
    });
  }
  const { output: asked, ...request } = readRequest(raw, drawing.command);
  const upscale = resolveUpscaleOptions(request);
  const output = resolveOutput(asked, input, `${stemOf(input)}.${drawing.suffix}.png`);
  await guardOutputFile(output, input, raw['overwrite'] === true);
  using interrupt = guardInterrupts(() => process.stderr.write('Stopping after this frame.\n'));
  const { logger } = createReporter({ progress: 'none', logLevel });
  const models = readList(raw, 'models') ?? (await loadRegistry({ logger })).list().map(({ id }) => id);
  const { png, ...comparison } = await compareModels(input, {
    upscale,
    models,
    times,
    ...drawing,
    signal: interrupt.signal,
    logger,
    onStep: (label) => progress !== 'none' && process.stderr.write(`Drawing: ${label}\n`),
  });
  await writePicture(output, png);
  const { columns } = comparison;
  process.stdout.write(
    json
      ? `${JSON.stringify({ output, ...comparison }, null, 2)}\n`
      : `${output}: ${columns.map(({ label }) => label).join(', ')}; ${drawing.crop === 'whole' ? 'whole frames' : `crop ${formatCrop(comparison.crop)}`}\n`,
  );
  return EXIT_CODES.ok;
}

function readList(raw: RawArguments, name: 'at' | 'models'): string[] | undefined {
  const value = readOption(raw, name);
  return Array.isArray(value) ? [...(value as readonly string[])] : undefined;
}

/** Seconds of `12.5`, `1:02.5` or `1:00:02.5`. Throws `USAGE`. */
export function parseTime(text: string): number {
  const parts = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)$/.exec(text);
  const [hours, minutes, seconds] = [1, 2, 3].map((i) => Number(parts?.[i] ?? 0));
  if (parts !== null) return 3600 * (hours ?? 0) + 60 * (minutes ?? 0) + (seconds ?? 0);
  throw new UpscaleError('USAGE', `--at cannot be ${JSON.stringify(text)}.`, {
    hint: 'Write it as 12.5, 1:02.5 or 1:00:02.5, from the start.',
  });
}
