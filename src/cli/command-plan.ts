import { traceUpscaleOptions } from '../config/resolve-options.ts';
import { plan } from '../index.ts';
import { readInput, readMessageOptions, readRequest } from './arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { describePlan } from './describe-plan.ts';
import type { RawArguments } from './command-table.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel plan`: every decision with its reason, and what the run will need. */
export async function runPlanCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const request = readRequest(raw, 'plan');
  const traced = traceUpscaleOptions(request);
  const made = await plan(readInput(raw), request, { logger });
  process.stdout.write(`${json ? JSON.stringify(made, null, 2) : describePlan(made, traced)}\n`);
  return EXIT_CODES.ok;
}
