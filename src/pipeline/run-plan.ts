import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { LanePool } from './lane-pool.ts';
import type { LaneMessage } from './lane.worker.ts';
import type { Plan, SegmentResult } from './plan-schema.ts';
import type { ProgressListener } from './progress.ts';
import { ProgressMeter } from './progress-meter.ts';
import type { WorkDirectory } from './work-directory.ts';

/** Below this the disk counts as full and the run stops, so that nothing is torn. */
const DISK_RESERVE_BYTES = 128 * 1024 * 1024;
const DISK_CHECK_MS = 5000;
const PROGRESS_MS = 250;
/** A lane that breaks down is tried once more before the run fails. */
const ATTEMPTS = 2;

export interface RunPlanOptions {
  readonly tools: FfmpegTools;
  /** Idle lanes, as many as the plan has at least; they stay open. */
  readonly pool: LanePool;
  readonly work: WorkDirectory;
  /** Segments that an earlier run of the same plan finished. */
  readonly finished: readonly SegmentResult[];
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/**
 * The local executor: runs all segments of `plan` that are not finished yet, on the plan's lanes, and returns all results in order.
 * When one fails, the others are stopped between two frames, awaited, and the first error is thrown; finished ones stay recorded.
 */
export async function runPlan(plan: Plan, options: RunPlanOptions): Promise<SegmentResult[]> {
  const { work, onProgress } = options;
  const meter = new ProgressMeter({
    totalFrames: plan.expectedFrames,
    segments: plan.segments.length,
    framesPerSourceSecond: plan.frameRate === null ? 25 : plan.frameRate.num / plan.frameRate.den,
  });
  const results = new Map<number, SegmentResult>();
  for (const result of options.finished) {
    results.set(result.index, result);
    meter.addResumed(result);
  }
  const waiting = plan.segments.filter(({ index }) => !results.has(index)).map(({ index }) => index);
  if (waiting.length > 0) {
    const stop = new AbortController();
    const failed = new FirstError(stop);
    const abort = (): void => failed.set(new UpscaleError('ABORTED', 'The run was stopped.'));
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted === true) abort();
    const timers = [
      setInterval(() => onProgress?.(meter.read()), PROGRESS_MS),
      setInterval(() => void checkDisk(work, failed), DISK_CHECK_MS),
    ];
    const lane = async (): Promise<void> => {
      for (;;) {
        const index = stop.signal.aborted ? undefined : waiting.shift();
        if (index === undefined) return;
        const result = await runWithRetry(plan, index, options, stop.signal, meter);
        await work.record(result);
        results.set(index, result);
        meter.finish(result);
      }
    };
    try {
      await Promise.all(
        Array.from({ length: plan.resources.lanes }, () =>
          lane().catch((error: unknown) => failed.set(error)),
        ),
      );
    } finally {
      options.signal?.removeEventListener('abort', abort);
      timers.forEach((timer) => clearInterval(timer));
    }
    failed.throw();
  }
  onProgress?.(meter.read());
  return plan.segments.map(({ index }) => {
    const result = results.get(index);
    if (result === undefined) throw new UpscaleError('INTERNAL', `Segment ${index} was never run.`);
    return result;
  });
}

async function runWithRetry(
  plan: Plan,
  index: number,
  options: RunPlanOptions,
  signal: AbortSignal,
  meter: ProgressMeter,
): Promise<SegmentResult> {
  const onMessage = (message: LaneMessage): void => {
    if (message.type === 'frames') {
      meter.update(index, message.frames, message.stages);
      // The first frame is shown at once, later ones at the timer's pace.
      if (message.frames === 1) options.onProgress?.(meter.read());
    } else if (message.type === 'log') options.logger[message.level](message.message);
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const { pool, tools, work } = options;
      return await pool.run({ plan, tools, index, directory: work.path, signal, onMessage });
    } catch (error) {
      const retryable = error instanceof UpscaleError && error.retryable;
      if (!retryable || attempt >= ATTEMPTS || signal.aborted) throw error;
      options.logger.warn(`Segment ${index} failed and is run again: ${error.message}`);
    }
  }
}

async function checkDisk(work: WorkDirectory, failed: FirstError): Promise<void> {
  const free = await work.freeBytes().catch(() => Number.POSITIVE_INFINITY);
  if (free >= DISK_RESERVE_BYTES) return;
  failed.set(
    new UpscaleError(
      'DISK_SPACE',
      `The disk of ${work.path} is full; the run stopped before anything was lost.`,
      {
        hint: 'Free some space and run the same command again: it goes on where it stopped.',
        retryable: true,
      },
    ),
  );
}

/** Keeps the first error and stops the rest; later errors are its consequences. */
class FirstError {
  readonly #stop: AbortController;
  #error: unknown;

  constructor(stop: AbortController) {
    this.#stop = stop;
  }

  set(error: unknown): void {
    this.#error ??= error;
    this.#stop.abort();
  }

  throw(): void {
    if (this.#error !== undefined) throw UpscaleError.from(this.#error);
  }
}
