import os from 'node:os';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { ModelFacts } from '../infer/infer-plan.ts';
import { chooseLivePrecision, takePrecision } from '../infer/choose-precision.ts';
import { describeFilter, loadRegistry } from '../infer/registry.ts';
import { resolveModels } from '../infer/resolve-models.ts';
import { checkDestination } from './live-commands.ts';
import type { LivePlan } from './run-live.ts';

/** Decides how a live source is upscaled; it is not opened yet. `model` pins the model. Throws `USAGE` and what models throw. */
export async function planLive(
  source: string,
  destination: string,
  options: {
    readonly upscale: Pick<UpscaleOptions, 'model' | 'scale' | 'to' | 'device' | 'precision'>;
    readonly beside: boolean;
    readonly logger: Logger;
  },
): Promise<LivePlan> {
  const { upscale, beside, logger } = options;
  checkDestination(destination);
  if (upscale.to !== undefined) {
    throw new UpscaleError('USAGE', 'A live stream cannot be fitted into a size before it is seen.', {
      hint: 'Use --scale instead of --to.',
    });
  }
  const precision = await chooseLivePrecision(upscale.device, upscale.precision);
  return {
    source,
    destination,
    models: (await listModels(upscale.model, logger)).map((facts) => takePrecision(facts, precision)),
    magnification: upscale.scale ?? 2,
    device: upscale.device,
    threads: os.availableParallelism(),
    beside,
  };
}

async function listModels(pinned: string | undefined, logger: Logger): Promise<readonly ModelFacts[]> {
  const registry = await loadRegistry({ logger });
  if (pinned !== undefined) {
    const { models } = await resolveModels(registry, pinned, {});
    const [model] = models;
    if (models.length === 1 && model !== undefined) return [model];
    throw new UpscaleError('USAGE', 'A live stream goes through one model.', { hint: 'Name a single one.' });
  }
  const own = registry
    .list()
    .filter(({ manifest }) => !manifest.onlyByName)
    .map(({ facts }) => facts);
  const sorted = [...own].sort((a, b) => b.flopsPerSample - a.flopsPerSample);
  return [...sorted, describeFilter('lanczos')];
}
