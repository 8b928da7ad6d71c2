import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { throwIfAborted, UpscaleError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { identifyFile } from '../../decode/identify-file.ts';
import { assemble } from '../../encode/assemble.ts';
import { readCapabilities, type Capabilities } from '../../ffmpeg/capabilities.ts';
import { writeWhole } from '../../ffmpeg/disk-cache.ts';
import type { FfmpegTools } from '../../ffmpeg/tools.ts';
import { verifyRun } from '../../measure/verify-delivery.ts';
import { guardOutput } from '../../pipeline/output-guard.ts';
import type { Plan, SegmentResult } from '../../pipeline/plan-schema.ts';
import { describeResult, toAssemblySegments } from '../../pipeline/upscale.ts';
import { makeReport } from '../make-report.ts';
import { REPORT_FOLDER, reportFilesFor } from '../report-files.ts';
import { reportSchema } from '../report.ts';
import type { ClusterJob, SegmentJob } from './cluster-job.ts';
import { findMisfit } from './fleet.ts';
import { LaneChild } from './lane-child.ts';
import type { WorkerMetrics } from './metrics.ts';
import { NotHere, type ClusterQueue, type WorkHandler } from './queue.ts';
import type { Store } from './store.ts';

/** What was asked for when a file was handed in, for its report. */
export const requestSchema = z.object({ command: z.string(), options: reportSchema.shape.options });
/** Of an output that has its name, or is about to get it. */
const deliveredSchema = z.object({ size: z.int(), sampleSha256: z.string() });

/** Every how many milliseconds a lane asks whether its job is still wanted. */
const ASK_MS = 2000;

export interface WorkerOptions {
  readonly store: Store;
  readonly queue: ClusterQueue;
  readonly fleet: string;
  readonly tools: FfmpegTools;
  readonly lanes: number;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** Ends the work; what is under way goes back to the others. */
  readonly signal: AbortSignal;
}

/** Runs segments and assemblies of a cluster's jobs until it is told to stop. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { queue, fleet, lanes, logger, signal, tools } = options;
  const worker = new ClusterWorker(options, await readCapabilities(tools));
  try {
    await queue.work(fleet, worker, { lanes, logger, signal });
  } finally {
    await worker.close();
  }
}

class ClusterWorker implements WorkHandler {
  readonly #options: WorkerOptions;
  readonly #capabilities: Capabilities;
  readonly #idle: LaneChild[];
  #latest: { readonly id: string; readonly plan: Promise<Plan> } | null = null;

  constructor(options: WorkerOptions, capabilities: Capabilities) {
    this.#options = options;
    this.#capabilities = capabilities;
    this.#idle = Array.from({ length: options.lanes + 1 }, () => new LaneChild());
  }

  readonly runSegment = async ({ id, index }: SegmentJob, signal: AbortSignal): Promise<void> => {
    const { store, metrics, logger } = this.#options;
    const plan = await this.#readPlan(id);
    const started = performance.now();
    if ((await store.readSegment(id, index)) !== null) return;
    try {
      const { frames } = await this.#runInLane(id, plan, index, signal);
      const seconds = (performance.now() - started) / 1000;
      metrics.segmentDone(frames, seconds);
      logger.info(`Segment ${index} of ${id}: ${frames} frames in ${seconds.toFixed(1)} s`);
    } catch (error) {
      if (!signal.aborted) metrics.segmentFailed();
      throw error;
    }
  };

  readonly runAssembly = async (job: ClusterJob, signal: AbortSignal): Promise<void> => {
    const { metrics, logger } = this.#options;
    const started = performance.now();
    try {
      const output = await this.#assemble(job, signal);
      const seconds = (performance.now() - started) / 1000;
      metrics.assemblyDone(seconds);
      logger.info(`${output} is done`);
    } catch (error) {
      if (!signal.aborted) metrics.assemblyFailed();
      throw error;
    }
  };

  async close(): Promise<void> {
    await Promise.all(this.#idle.map((lane) => lane.close()));
  }

  async #runInLane(id: string, plan: Plan, index: number, signal: AbortSignal): Promise<SegmentResult> {
    const { store, tools, queue, logger, metrics, lanes } = this.#options;
    const lane = this.#idle.pop();
    if (lane === undefined) throw new UpscaleError('INTERNAL', 'More segments than lanes.');
    metrics.lanesBusy(lanes + 1 - this.#idle.length);
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    signal.addEventListener('abort', abort);
    const asking = setInterval(() => {
      queue.isWanted(id).then(
        (wanted) => {
          if (!wanted) stop.abort();
        },
        // A queue that is away tells nothing.
        () => undefined,
      );
    }, ASK_MS);
    const directory = await mkdtemp(path.join(store.jobFolder(id), `attempt-${String(index)}-`));
    try {
      const result = await lane.run({
        ...{ plan, tools, index, directory, signal: stop.signal },
        onMessage: (message) => message.type === 'log' && logger[message.level](message.message),
      });
      await store.keepSegment(id, result);
      return result;
    } finally {
      clearInterval(asking);
      signal.removeEventListener('abort', abort);
      await rm(directory, { recursive: true, force: true });
      this.#idle.push(lane);
      metrics.lanesBusy(lanes + 1 - this.#idle.length);
    }
  }

  async #assemble(job: ClusterJob, signal: AbortSignal): Promise<string> {
    const { store, tools, logger, fleet } = this.#options;
    const { id } = job;
    const started = performance.now();
    const plan = await this.#readPlan(id);
    const results: SegmentResult[] = [];
    for (const { index } of plan.segments) {
      let result = await store.readSegment(id, index);
      if (result === null) {
        // Torn or altered since it was made.
        if (job.fleet !== fleet) throw new NotHere(`segment ${index} of ${id} has to be run again`);
        await this.#runInLane(id, plan, index, signal);
        result = await store.readSegment(id, index);
      }
      if (result === null) {
        throw new UpscaleError('STORE_UNUSABLE', `The store does not keep segment ${index} of ${id}.`, {
          retryable: true,
        });
      }
      results.push(result);
    }
    throwIfAborted(signal);
    const output = plan.assemble.path;
    if (!(await this.#isDelivered(id, output))) {
      await mkdir(path.dirname(output), { recursive: true });
      await guardOutput(plan);
      await assemble(plan.assemble, plan.encode, toAssemblySegments(plan, results), {
        ...{
          tools,
          logger,
          signal,
          workDirectory: await mkdtemp(path.join(store.jobFolder(id), 'assembly-')),
        },
        onWritten: async (file) => {
          const { size, sampleSha256 } = await identifyFile(file);
          await writeWhole(this.#deliveredPath(id), JSON.stringify({ size, sampleSha256 }));
        },
      });
    }
    const bytes = results.reduce((sum, { bytes: part }) => sum + part, 0);
    const result = describeResult(
      plan,
      { results, notices: [], bytes },
      (performance.now() - started) / 1000,
    );
    const verify = await verifyRun(result, { tools, signal, logger });
    const folder = path.dirname(output);
    const request = requestSchema.parse(
      JSON.parse(await readFile(path.join(store.jobFolder(id), 'request.json'), 'utf8')),
    );
    const files = reportFilesFor(path.join(folder, REPORT_FOLDER), folder, output);
    await makeReport(result, { ...request, files, verify, tools, signal, logger });
    if (!verify.ok) {
      const failed = verify.rows.filter(({ status }) => status === 'failed').map(({ check }) => check);
      throw new UpscaleError('VERIFY_FAILED', `${output} falls short in ${failed.join(', ')}.`);
    }
    await store.removeJob(id);
    return output;
  }

  /** Whether an earlier try came as far as giving the output its name. */
  async #isDelivered(id: string, output: string): Promise<boolean> {
    try {
      const wanted = deliveredSchema.parse(JSON.parse(await readFile(this.#deliveredPath(id), 'utf8')));
      const { size, sampleSha256 } = await identifyFile(output);
      return size === wanted.size && sampleSha256 === wanted.sampleSha256;
    } catch {
      return false;
    }
  }

  #deliveredPath(id: string): string {
    return path.join(this.#options.store.jobFolder(id), 'delivered.json');
  }

  /** The plan of a job, checked against the store and this machine. */
  async #readPlan(id: string): Promise<Plan> {
    if (this.#latest?.id !== id) this.#latest = { id, plan: this.#options.store.readPlan(id) };
    try {
      const plan = await this.#latest.plan;
      const misfit = findMisfit(plan, this.#capabilities);
      if (misfit !== null) throw new NotHere(`this ffmpeg lacks ${misfit}`);
      return plan;
    } catch (error) {
      this.#latest = null;
      throw error;
    }
  }
}
