import path from 'node:path';
import { traceUpscaleOptions } from '../config/resolve-options.ts';
import { plan } from '../index.ts';
import { isFolder } from './command-upscale.ts';
import { createSettings } from './settings.ts';
import { readInput, readMessageOptions, readRequest } from './arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { describePlan } from './describe-plan.ts';
import type { RawArguments } from './raw-arguments.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel plan`: every decision with its reason, and what the run will need. */
export async function runPlanCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const request = readRequest(raw, 'plan');
  const input = readInput(raw);
  traceUpscaleOptions(request);
  if (await isFolder(input)) {
    const { runPlanFolder } = await import('./command-plan-folder.ts');
    return runPlanFolder(raw, input, request);
  }
  const settings = input === '-' ? [] : await createSettings(raw, path.dirname(input))(input);
  const traced = traceUpscaleOptions(request, settings);
  const made = await plan(input, traced.options, { logger });
  process.stdout.write(`${json ? JSON.stringify(made, null, 2) : describePlan(made, traced)}\n`);
  return EXIT_CODES.ok;
}
