import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted, UpscaleError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { assemble } from '../../encode/assemble.ts';
import { sidecarOf, writeSidecar } from '../../encode/provenance.ts';
import { readCapabilities, type Capabilities } from '../../ffmpeg/capabilities.ts';
import type { FfmpegTools } from '../../ffmpeg/tools.ts';
import { verifyRun } from '../../measure/verify-delivery.ts';
import { guardDisk, guardOutput } from '../../pipeline/output-guard.ts';
import type { Plan, SegmentResult } from '../../pipeline/plan-schema.ts';
import { laneBytes } from '../../pipeline/resources.ts';
import { describeResult, toAssemblySegments } from '../../pipeline/upscale.ts';
import { makeReport } from '../make-report.ts';
import { REPORT_FOLDER, reportFilesFor } from '../report-files.ts';
import type { ClusterJob, SegmentJob } from './cluster-job.ts';
import { findMisfit } from './fleet.ts';
import { LaneChild } from './lane-child.ts';
import type { WorkerMetrics } from './metrics.ts';
import { NotHere, type ClusterQueue, type WorkHandler } from './queue.ts';
import type { PlanKeys, Store } from './store.ts';

/** Every how many milliseconds a lane asks whether its job is still wanted. */
const ASK_MS = 2000;
/** Plans that are kept at hand; more than a worker has jobs under way at once. */
const MOST_PLANS = 8;

export interface WorkerOptions {
  readonly store: Store;
  readonly queue: ClusterQueue;
  readonly fleet: string;
  readonly tools: FfmpegTools;
  readonly lanes: number;
  /** Bytes that all lanes together may use. */
  readonly memoryBytes: number;
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

interface LocalPlan {
  readonly plan: Plan;
  readonly keys: PlanKeys;
}

class ClusterWorker implements WorkHandler {
  readonly #options: WorkerOptions;
  readonly #capabilities: Capabilities;
  readonly #idle: LaneChild[];
  #usedBytes = 0;
  readonly #plans = new Map<string, Promise<LocalPlan>>();
  readonly #logger: Logger;

  constructor(options: WorkerOptions, capabilities: Capabilities) {
    this.#options = options;
    this.#capabilities = capabilities;
    this.#idle = Array.from({ length: options.lanes + 1 }, () => new LaneChild());
    const { store, logger } = options;
    this.#logger = {
      debug: (message) => logger.debug(store.files.rename(message)),
      info: (message) => logger.info(store.files.rename(message)),
      warn: (message) => logger.warn(store.files.rename(message)),
    };
  }

  readonly runSegment = async ({ id, index }: SegmentJob, signal: AbortSignal): Promise<void> => {
    const { store, metrics } = this.#options;
    await this.#whileWanted(id, signal, async (wanted) => {
      const { plan } = await this.#readPlan(id);
      if (await store.hasSegment(id, index)) return;
      const started = performance.now();
      try {
        const { frames } = await this.#runInLane(id, plan, index, wanted);
        const seconds = (performance.now() - started) / 1000;
        metrics.segmentDone(frames, seconds);
        this.#logger.info(`Segment ${index} of ${id}: ${frames} frames in ${seconds.toFixed(1)} s`);
      } catch (error) {
        if (!wanted.aborted) metrics.segmentFailed();
        throw error;
      }
    });
  };

  readonly runAssembly = async (job: ClusterJob, signal: AbortSignal): Promise<void> => {
    const { metrics } = this.#options;
    await this.#whileWanted(job.id, signal, async (wanted) => {
      const started = performance.now();
      try {
        const output = await this.#assemble(job, wanted);
        metrics.assemblyDone((performance.now() - started) / 1000);
        this.#logger.info(`${output} is done`);
      } catch (error) {
        if (!wanted.aborted) metrics.assemblyFailed();
        throw error;
      }
    });
  };

  async close(): Promise<void> {
    await Promise.all(this.#idle.map((lane) => lane.close()));
  }

  /** Runs `work` with a signal that is aborted also when the job was cancelled, and lets its errors speak of what people know. */
  async #whileWanted(
    id: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { queue, store } = this.#options;
    const stop = new AbortController();
    let isAsking = false;
    const timer = setInterval(() => {
      if (isAsking) return;
      isAsking = true;
      queue
        .isWanted(id)
        .then((wanted) => {
          if (!wanted) stop.abort();
        })
        // A queue that is away tells nothing.
        .catch(() => undefined)
        .finally(() => (isAsking = false));
    }, ASK_MS);
    try {
      await work(AbortSignal.any([signal, stop.signal]));
    } catch (error) {
      if (error instanceof NotHere) throw error;
      if (stop.signal.aborted) throw new UpscaleError('ABORTED', 'The job was cancelled.', { cause: error });
      const { message, hint, details, ...known } = UpscaleError.from(error).toJSON();
      throw UpscaleError.revive({
        ...known,
        message: store.files.rename(message),
        ...(hint === undefined ? {} : { hint: store.files.rename(hint) }),
        ...(details === undefined ? {} : { details: store.files.rename(details) }),
      });
    } finally {
      clearInterval(timer);
    }
  }

  async #runInLane(id: string, plan: Plan, index: number, signal: AbortSignal): Promise<SegmentResult> {
    const { store, tools, metrics, lanes, memoryBytes } = this.#options;
    const bytes = laneBytes(plan.resources);
    // A segment alone is run whatever it takes: nobody may have more.
    if (this.#usedBytes > 0 && this.#usedBytes + bytes > memoryBytes) {
      throw new NotHere(`the memory is taken by other lanes, and segment ${index} of ${id} needs its share`);
    }
    const lane = this.#idle.pop();
    if (lane === undefined) throw new UpscaleError('INTERNAL', 'More segments than lanes.');
    this.#usedBytes += bytes;
    metrics.lanesBusy(lanes + 1 - this.#idle.length);
    try {
      return await this.#inScratch(id, `attempt-${String(index)}-`, async (directory) => {
        const result = await lane.run({
          ...{ plan, tools, index, directory, signal },
          onMessage: (message) => message.type === 'log' && this.#logger[message.level](message.message),
        });
        throwIfAborted(signal);
        await store.keepSegment(id, result);
        return result;
      });
    } finally {
      this.#idle.push(lane);
      this.#usedBytes -= bytes;
      metrics.lanesBusy(lanes + 1 - this.#idle.length);
    }
  }

  async #inScratch<T>(id: string, prefix: string, work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await this.#options.store.makeScratch(id, prefix);
    try {
      return await work(directory);
    } finally {
      // The encoder of a lane that was killed may write for a moment yet.
      await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    }
  }

  async #assemble(job: ClusterJob, signal: AbortSignal): Promise<string> {
    const { store, tools } = this.#options;
    const logger = this.#logger;
    const { id } = job;
    const started = performance.now();
    const { plan, keys } = await this.#readPlan(id);
    const output = plan.assemble.path;
    const folder = path.dirname(output);
    const files = reportFilesFor(path.join(folder, REPORT_FOLDER), folder, output);
    const names = { source: store.files.describe(keys.source), output: store.files.describe(keys.output) };
    const reports: string[] = [];
    // The document last: with it the file counts as done.
    const sidecar = sidecarOf(plan.assemble);
    for (const file of [...(sidecar === null ? [] : [sidecar]), files.stills, files.page, files.json])
      reports.push(await store.files.locate(file));
    try {
      return await this.#inScratch(id, 'assembly-', async (directory) => {
        const results: SegmentResult[] = [];
        for (const { index } of plan.segments) {
          throwIfAborted(signal);
          results.push(await this.#takeSegment(job, plan, { index, directory, signal }));
        }
        const bytes = results.reduce((sum, { bytes: part }) => sum + part, 0);
        await mkdir(folder, { recursive: true });
        const isDelivered = await store.isDelivered(id, keys.output);
        if (isDelivered) {
          await store.files.fetch(keys.output, folder);
          await writeSidecar(plan.assemble, (await stat(output)).size);
        } else {
          guardDisk(plan, await readFreeBytes(directory), bytes);
          await guardOutput(plan);
          await assemble(plan.assemble, plan.encode, toAssemblySegments(plan, results), {
            ...{ tools, logger, signal, workDirectory: directory },
            onWritten: async (file) => store.recordDelivery(id, file),
          });
        }
        const seconds = (performance.now() - started) / 1000;
        const result = describeResult(plan, { results, notices: [], bytes }, seconds);
        const verify = await verifyRun(result, { tools, signal, logger });
        const request = await store.readRequest(id);
        await makeReport(result, { ...request, names, files, verify, tools, signal, logger });
        if (!isDelivered) await store.files.publish(keys.output, plan.assemble);
        for (const key of reports) await store.files.publish(key, { overwrite: true });
        if (!verify.ok) {
          const failed = verify.rows.filter(({ status }) => status === 'failed').map(({ check }) => check);
          throw new UpscaleError('VERIFY_FAILED', `${names.output} falls short in ${failed.join(', ')}.`);
        }
        await store.removeJob(id);
        return names.output;
      });
    } finally {
      for (const key of [keys.output, ...reports]) await store.files.release(key);
    }
  }

  /** A finished segment, run again where it was torn or altered since. */
  async #takeSegment(
    job: ClusterJob,
    plan: Plan,
    at: { readonly index: number; readonly directory: string; readonly signal: AbortSignal },
  ): Promise<SegmentResult> {
    const { store, fleet } = this.#options;
    const { index, directory, signal } = at;
    const found = await store.fetchSegment(job.id, index, directory);
    if (found !== null) return found;
    if (job.fleet !== fleet) throw new NotHere(`segment ${index} of ${job.id} has to be run again`);
    await this.#runInLane(job.id, plan, index, signal);
    const made = await store.fetchSegment(job.id, index, directory);
    if (made !== null) return made;
    throw new UpscaleError('STORE_UNUSABLE', `The store does not keep segment ${index} of ${job.id}.`, {
      retryable: true,
    });
  }

  /** The plan of a job, checked against the store and this machine. */
  async #readPlan(id: string): Promise<LocalPlan> {
    const read = this.#plans.get(id) ?? this.#options.store.readPlan(id);
    // The one that was asked for last stands at the end.
    this.#plans.delete(id);
    this.#plans.set(id, read);
    const [oldest] = this.#plans.keys();
    if (oldest !== undefined && this.#plans.size > MOST_PLANS) this.#plans.delete(oldest);
    try {
      const local = await read;
      const misfit = findMisfit(local.plan, this.#capabilities);
      if (misfit !== null) throw new NotHere(`this ffmpeg lacks ${misfit}`);
      return local;
    } catch (error) {
      if (!(error instanceof NotHere)) this.#plans.delete(id);
      throw error;
    }
  }
}

async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
