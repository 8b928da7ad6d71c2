import path from 'node:path';
import { traceUpscaleOptions, type UpscaleRequest } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { formatBytes, formatDuration } from '../core/format.ts';
import { nameOutputs } from '../jobs/name-outputs.ts';
import { prepare } from '../pipeline/prepare.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import { readMessageOptions } from './arguments.ts';
import { readFolder } from './command-upscale-folder.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { createReporter } from './progress-reporter.ts';
import { createSettings } from './settings.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** `upreel plan FOLDER`: a line a file and the sum; as JSON all plans. */
export async function runPlanFolder(
  raw: RawArguments,
  input: string,
  given: UpscaleRequest,
): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { root, folder, sources } = await readFolder(raw, input, given);
  const request = { ...given, output: undefined };
  const names = nameOutputs(sources, { root, folder });
  const settingsFor = createSettings(raw, root);
  const plans: Plan[] = [];
  const failures: { source: string; error: UpscaleError }[] = [];
  const rows: string[][] = [];
  for (const source of sources) {
    const { options } = traceUpscaleOptions(request, await settingsFor(source));
    const nameFor = (extension: string): string => `${names.get(source) ?? source}.${extension}`;
    const name = path.relative(root, source);
    try {
      const { plan } = await prepare(source, options, { logger, nameFor });
      plans.push(plan);
      rows.push([name, ...describe(plan)]);
    } catch (error) {
      const known = UpscaleError.from(error);
      failures.push({ source, error: known });
      rows.push([name, 'fails', '', '', '', known.message]);
    }
  }
  process.stdout.write(
    json
      ? `${JSON.stringify({ plans, failures }, null, 2)}\n`
      : `${formatHeading(`${String(sources.length)} files of ${root}`)}\n${layOutTable(rows)}\n\n${sumUp(plans)}\n`,
  );
  return failures.length > 0 ? EXIT_CODES.partly : EXIT_CODES.ok;
}

function describe({ geometry, expectedFrames, resources, assemble }: Plan): string[] {
  const { displayWidth, displayHeight, width, height } = geometry;
  return [
    `${String(displayWidth)}x${String(displayHeight)} -> ${String(width)}x${String(height)}`,
    `${String(expectedFrames)} frames`,
    `about ${formatDuration(resources.seconds)}`,
    formatBytes(resources.outputBytes),
    assemble.path,
  ];
}

function sumUp(plans: readonly Plan[]): string {
  const sum = (read: (plan: Plan) => number): number => plans.reduce((total, plan) => total + read(plan), 0);
  const most = Math.max(0, ...plans.map(({ resources }) => resources.diskBytes - resources.outputBytes));
  const seconds = sum(({ resources }) => resources.seconds);
  const bytes = sum(({ resources }) => resources.outputBytes);
  return `About ${formatDuration(seconds)} and ${formatBytes(bytes)}, and ${formatBytes(most)} more while running (estimates).`;
}
