import os from 'node:os';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { assemble } from '../encode/assemble.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { describeDamage, type Damage } from './damage.ts';
import { LanePool } from './lane-pool.ts';
import { guardDisk, guardOutput } from './output-guard.ts';
import type { Plan, SegmentResult } from './plan-schema.ts';
import { prepare } from './prepare.ts';
import type { ProgressListener } from './progress.ts';
import { runPlan } from './run-plan.ts';
import { spoolStdin } from './stdin-spool.ts';
import type { UpscaleResult } from './upscale-result.ts';
import { WorkDirectory } from './work-directory.ts';

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** Probes, plans, runs all segments and assembles them. What was delivered is not verified here: that stands above the pipeline. */
export async function runUpscale(
  input: string,
  options: UpscaleOptions,
  run: RunOptions = {},
): Promise<UpscaleResult & { readonly tools: FfmpegTools }> {
  const { signal, logger = silentLogger, onProgress } = run;
  const started = performance.now();
  onProgress?.({ type: 'stage', stage: 'probe' });
  const spool = input === '-' ? await spoolStdin(options.output, signal) : null;
  const pool = new LanePool(options.workers ?? os.availableParallelism());
  try {
    if (spool !== null && options.output === undefined) {
      throw new UpscaleError('USAGE', 'Standard input has no name to make an output name from.', {
        hint: 'Give the output with -o PATH, or -o - for standard output.',
      });
    }
    const { tools, plan } = await prepare(spool?.path ?? input, options, { signal, logger });
    onProgress?.({ type: 'stage', stage: 'plan' });
    for (const notice of plan.notices) onProgress?.({ type: 'notice', notice });
    throwIfAborted(signal);
    refuseDamaged(plan);
    await guardOutput(plan);
    const result = await execute(plan, tools, { pool, signal, logger, onProgress });
    return { ...result, seconds: (performance.now() - started) / 1000, tools };
  } finally {
    await pool.close();
    await spool?.remove();
  }
}

async function execute(
  plan: Plan,
  tools: FfmpegTools,
  run: RunOptions & { readonly pool: LanePool; readonly logger: Logger },
): Promise<Omit<UpscaleResult, 'seconds'>> {
  const { pool, signal, logger, onProgress } = run;
  const work = await WorkDirectory.open(plan);
  try {
    const finished = await work.findFinished();
    guardDisk(plan, await work.freeBytes(), sumBytes(finished));
    onProgress?.({ type: 'stage', stage: 'run' });
    const results = await runPlan(plan, { tools, pool, work, finished, logger, signal, onProgress });
    const damage = describeDamage(plan, results);
    if (plan.strict && damage !== null) refuseDamage(plan, damage);

    onProgress?.({ type: 'stage', stage: 'assemble' });
    const delivered = await assemble(plan.assemble, plan.encode, toAssemblySegments(plan, results), {
      tools,
      workDirectory: work.path,
      logger,
      ...(signal === undefined ? {} : { signal }),
    });
    await work.remove();
    const last = results.at(-1);
    return {
      output: delivered.path,
      plan,
      frames: results.reduce((sum, { frames }) => sum + frames, 0),
      bytes: delivered.bytes,
      device: last?.device ?? 'none',
      precision: last?.precision ?? 'fp32',
      deviceTried: last?.deviceTried ?? [],
      notices: [...plan.notices, ...delivered.notices],
      damage,
      pts: results.flatMap(({ pts }) => pts),
    };
  } catch (error) {
    await work.leave();
    throw error;
  }
}

/** The length of the last frame of each segment reaches to the next segment's first frame. */
function toAssemblySegments(plan: Plan, results: readonly SegmentResult[]): Parameters<typeof assemble>[2] {
  const used = results.filter(({ frames }) => frames > 0);
  if (used.length === 0) {
    throw new UpscaleError('SOURCE_DAMAGED', `Not a single frame of ${plan.source.path} could be decoded.`);
  }
  const rate = plan.frameRate;
  const { num, den } = plan.decode.timeBase;
  const nominal = rate === null ? null : Math.max(1, Math.round((rate.den * den) / (rate.num * num)));
  return used.map((result, index) => {
    const next = used[index + 1];
    const before = result.pts.at(-2);
    const lastDuration =
      next === undefined
        ? (nominal ?? (before === undefined ? 1 : result.lastPts - before))
        : next.firstPts - result.lastPts;
    const { path, firstPts, lastPts, frames } = result;
    return { path, firstPts, lastPts, frames, lastDuration };
  });
}

function refuseDamaged(plan: Plan): void {
  const { scan } = plan.source.video;
  if (!plan.strict || scan.complete) return;
  throw new UpscaleError('SOURCE_DAMAGED', `${plan.source.path} is damaged or cut short.`, {
    hint: 'Leave out --strict to upscale what can be decoded.',
    details: scan.complaints.join('\n'),
  });
}

function refuseDamage(plan: Plan, damage: Damage): never {
  throw new UpscaleError(
    'SOURCE_DAMAGED',
    `${plan.source.path} did not decode whole: ${String(damage.missingFrames)} frames are missing.`,
    { hint: 'Leave out --strict to keep what could be decoded.', details: damage.complaints.join('\n') },
  );
}

function sumBytes(results: readonly SegmentResult[]): number {
  return results.reduce((sum, { bytes }) => sum + bytes, 0);
}
