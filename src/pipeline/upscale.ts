import os from 'node:os';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { assemble } from '../encode/assemble.ts';
import { writeSidecar } from '../encode/provenance.ts';
import { usualLastTicks } from '../encode/segment-times.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { describeDamage, type Damage } from './damage.ts';
import { LanePool } from './lane-pool.ts';
import { guardDisk, guardOutput } from './output-guard.ts';
import { namesFolder } from './output-path.ts';
import type { Plan, SegmentResult } from './plan-schema.ts';
import { prepare, type Prepared } from './prepare.ts';
import type { ProgressListener } from './progress.ts';
import { runPlan } from './run-plan.ts';
import { spoolStdin } from './stdin-spool.ts';
import type { UpscaleResult } from './upscale-result.ts';
import { findDelivered, WorkDirectory } from './work-directory.ts';

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** The plan, where it was made before. */
  readonly prepared?: Pick<Prepared, 'tools' | 'plan'> | undefined;
}

/** Looks at what was delivered, or writes it down, before the run counts as concluded. */
export type Conclude<T> = (result: UpscaleResult, tools: FfmpegTools) => Promise<T>;

/**
 * Probes, plans, runs all segments, assembles them and concludes. A run that was cut off anywhere, also while it concluded, goes on there
 * when it is asked for again. What was delivered is not verified here: that stands above the pipeline, in `conclude`.
 */
export async function runUpscale<T>(
  input: string,
  options: UpscaleOptions,
  run: RunOptions,
  conclude: Conclude<T>,
): Promise<{ readonly result: UpscaleResult; readonly concluded: T }> {
  const { signal, logger = silentLogger, onProgress } = run;
  const started = performance.now();
  if (run.prepared === undefined) onProgress?.({ type: 'stage', stage: 'probe' });
  const spool = input === '-' ? await spoolStdin(options.output, signal) : null;
  const pool = new LanePool(options.workers ?? os.availableParallelism());
  try {
    if (spool !== null && (options.output === undefined || namesFolder(options.output))) {
      throw new UpscaleError('USAGE', 'Standard input has no name to make an output name from.', {
        hint: 'Give the output with -o PATH, or -o - for standard output.',
      });
    }
    const { tools, plan } =
      run.prepared ?? (await prepare(spool?.path ?? input, options, { signal, logger }));
    onProgress?.({ type: 'stage', stage: 'plan' });
    for (const notice of plan.notices) onProgress?.({ type: 'notice', notice });
    throwIfAborted(signal);
    refuseDamaged(plan);
    if ((await findDelivered(plan)) === null) await guardOutput(plan);
    const work = await WorkDirectory.open(plan);
    try {
      const delivered = await deliver(plan, tools, work, { pool, signal, logger, onProgress });
      const result = describeResult(plan, delivered, (performance.now() - started) / 1000);
      const concluded = await conclude(result, tools);
      await work.remove();
      return { result, concluded };
    } catch (error) {
      await work.leave();
      throw error;
    }
  } finally {
    await pool.close();
    await spool?.remove();
  }
}

/** Makes the output, unless an earlier run came as far as that. */
async function deliver(
  plan: Plan,
  tools: FfmpegTools,
  work: WorkDirectory,
  run: RunOptions & { readonly pool: LanePool; readonly logger: Logger },
): Promise<Pick<UpscaleResult, 'notices' | 'bytes'> & { readonly results: readonly SegmentResult[] }> {
  const { pool, signal, logger, onProgress } = run;
  const earlier = await findDelivered(plan);
  if (earlier !== null) {
    await writeSidecar(plan.assemble, earlier.identity.size);
    await work.removeSegments();
    return { results: earlier.results, notices: [], bytes: earlier.identity.size };
  }
  const finished = await work.findFinished();
  guardDisk(plan, await work.freeBytes(), sumBytes(finished));
  onProgress?.({ type: 'stage', stage: 'run' });
  const results = await runPlan(plan, { tools, pool, work, finished, logger, signal, onProgress });
  const damage = describeDamage(plan, results);
  if (plan.strict && damage !== null) refuseDamage(plan, damage);

  onProgress?.({ type: 'stage', stage: 'assemble' });
  const assembled = await assemble(plan.assemble, plan.encode, toAssemblySegments(plan, results), {
    tools,
    workDirectory: work.path,
    logger,
    onWritten: async (file) => work.recordDelivery(file, results),
    ...(signal === undefined ? {} : { signal }),
  });
  await work.removeSegments();
  return { results, notices: assembled.notices, bytes: assembled.bytes };
}

/** The account of a finished run, from those of its segments. */
export function describeResult(
  plan: Plan,
  { results, notices, bytes }: Awaited<ReturnType<typeof deliver>>,
  seconds: number,
): UpscaleResult {
  const last = results.at(-1);
  return {
    output: plan.assemble.path,
    plan,
    frames: results.reduce((sum, { frames }) => sum + frames, 0),
    bytes,
    seconds,
    device: last?.device ?? 'none',
    precision: last?.precision ?? 'fp32',
    deviceTried: last?.deviceTried ?? [],
    notices: [...plan.notices, ...notices],
    damage: describeDamage(plan, results),
    pts: results.flatMap(({ pts }) => pts),
  };
}

/** The length of the last frame of each segment reaches to the next segment's first frame. */
export function toAssemblySegments(
  plan: Plan,
  results: readonly SegmentResult[],
): Parameters<typeof assemble>[2] {
  const used = results.filter(({ frames }) => frames > 0);
  if (used.length === 0) {
    throw new UpscaleError('SOURCE_DAMAGED', `Not a single frame of ${plan.source.path} could be decoded.`);
  }
  return used.map((result, index) => {
    const next = used[index + 1];
    const lastDuration =
      next === undefined
        ? (plan.lastFrameTicks ?? usualLastTicks(plan.encode, result.pts))
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
