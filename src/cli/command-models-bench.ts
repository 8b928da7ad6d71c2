import os from 'node:os';
import process from 'node:process';
import type { Device } from '../infer/infer-plan.ts';
import { UpscaleError } from '../core/errors.ts';
import { findTools } from '../ffmpeg/tools.ts';
import { loadRegistry } from '../infer/registry.ts';
import { benchModels, type BenchReport } from '../measure/bench-models.ts';
import { readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { formatGain } from './describe-models.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** `upreel models bench`. Ends with an error code where a model could not be run. */
export async function runModelsBenchCommand(raw: RawArguments): Promise<number> {
  const { json, progress, logLevel } = readMessageOptions(raw);
  const { ffmpeg, ffprobe } = readRequest(raw, 'models bench');
  const size = readSize(readOption(raw, 'size'));
  const device = readOption(raw, 'device') as Device | 'auto';
  const threads = Number(readOption(raw, 'threads') ?? os.availableParallelism());
  using interrupt = guardInterrupts(() => process.stderr.write('Stopping after this frame.\n'));
  const { signal } = interrupt;
  const { logger } = createReporter({ progress: 'none', logLevel });
  const registry = await loadRegistry({ logger });
  const names = Array.isArray(raw['model']) ? (raw['model'] as string[]) : [];
  const models = [];
  for (const name of names.length === 0 ? registry.list().map(({ id }) => id) : names) {
    models.push(await registry.resolve(name, { signal }));
  }
  const tools = await findTools({
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
    ...(ffprobe === undefined ? {} : { ffprobe }),
  });
  const report = await benchModels(models, {
    ...size,
    device,
    threads,
    tools,
    signal,
    // Everyone has it, and knows how it feels.
    reference: registry.list()[0]?.facts,
    onStep: (text) => progress !== 'none' && process.stderr.write(`Measuring: ${text}\n`),
  });
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : describeBench(report)}\n`);
  const failed = report.models.find(({ error }) => error !== null)?.error;
  return failed === undefined || failed === null ? EXIT_CODES.ok : exitCodeOf(failed.code);
}

/** `640x360`: even sides, at least 16. */
function readSize(text: unknown): { width: number; height: number } {
  const [, width = 0, height = 0] = (/^(\d+)x(\d+)$/.exec(String(text)) ?? []).map(Number);
  const isGood = [width, height].every((side) => side >= 16 && side <= 8192 && side % 2 === 0);
  if (isGood) return { width, height };
  throw new UpscaleError('USAGE', `--size cannot be ${JSON.stringify(text)}.`, {
    hint: 'Write it as 640x360: even numbers from 16 to 8192.',
  });
}

function describeBench({ models, reference, machine, size, threads, clips }: BenchReport): string {
  const number = (value: number | null, digits: number): string => value?.toFixed(digits) ?? '-';
  const gain = (value: number | undefined): string => (value === undefined ? '-' : formatGain(value));
  const headings = [
    ...['model', 'scale', 'device', 'ms/frame', 'x 25 fps', reference === null ? 'ratio' : `x ${reference}`],
    ...['bicubic', 'area', 'clean', 'compressed', ''],
  ];
  const rows = models.map((model) => [
    model.id,
    `${String(model.scale)}x`,
    model.device ?? '-',
    number(model.milliseconds, 1),
    number(model.realTime, 2),
    number(model.ratio, 2),
    gain(model.gains?.bicubic),
    gain(model.gains?.area),
    gain(model.gains?.clean),
    gain(model.gains?.compressed),
    model.error?.message ?? '',
  ]);
  return [
    layOutTable([headings.map((heading) => formatHeading(heading)), ...rows], { width: 200 }),
    '',
    `Speed: one ${size} frame, ${String(threads)} thread${threads === 1 ? '' : 's'} on ${machine.cpu}, or the device that is named.`,
    clips.length === 0
      ? 'Quality: not measured, for there are no sample clips here.'
      : `Quality: dB of luma PSNR over ffmpeg's Lanczos on ${clips.join(', ')}, shrunk by each model's scale with bicubic, area (clean: their mean), and bicubic then x264 at crf 26.`,
  ].join('\n');
}
