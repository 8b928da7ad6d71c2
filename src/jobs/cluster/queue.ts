import {
  DelayedError,
  FlowProducer,
  Queue,
  UnrecoverableError,
  WaitingError,
  Worker,
  type Job,
} from 'bullmq';
import { UpscaleError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { AwayNotice } from './away-notice.ts';
import {
  clusterJobSchema,
  segmentJobSchema,
  type ClusterJob,
  type JobState,
  type JobStatus,
  type SegmentJob,
} from './cluster-job.ts';
import { describeRefusal, withTimeout } from './queue-answer.ts';
import { parseQueueAddress, type QueueAddress } from './queue-address.ts';

/** Where files wait for their assembly; their segments wait in a queue of their fleet. */
const ASSEMBLIES = 'upreel';
/** Times that a segment or an assembly is tried, whether it fails or takes its process with it. */
const ATTEMPTS = 3;
const RETRY_MS = 1000;
/** A worker that has not been heard of for so long has lost its work to the others. */
const LEASE_MS = 15_000;
const LEASE_CHECK_MS = 5000;
/** How long a job is left to others when this machine does not fit. */
const MISFIT_MS = 10_000;
const SMALLEST_PRIORITY = 1;
/** How often, and after how many milliseconds, a job that is locked is tried to be taken out again: for twice a lease. */
const CANCEL_TRIES = 60;
const CANCEL_MS = 500;
/** Finished jobs that are still listed. */
const MOST_DONE = 1000;

/** What a worker does with the work that it gets. */
export interface WorkHandler {
  /** Runs a segment. `cancelled` tells when the job was given up. Throws what went wrong, or {@link NotHere}. */
  readonly runSegment: (segment: SegmentJob, signal: AbortSignal) => Promise<void>;
  readonly runAssembly: (job: ClusterJob, signal: AbortSignal) => Promise<void>;
}

/** Thrown by a handler whose machine does not fit: another may take the work. */
export class NotHere extends Error {}

/** The queue of a cluster on Redis, or Valkey, by BullMQ. The only file that knows either. */
export class ClusterQueue {
  readonly address: QueueAddress;
  readonly #assemblies: Queue<unknown>;
  readonly #segments = new Map<string, Queue<unknown>>();
  readonly #flows: FlowProducer;

  private constructor(address: QueueAddress) {
    this.address = address;
    const connection = address.connection;
    this.#assemblies = new Queue(ASSEMBLIES, { connection });
    this.#flows = new FlowProducer({ connection });
    // What cannot be done is told by the call that wanted it.
    this.#assemblies.on('error', () => undefined);
    this.#flows.on('error', () => undefined);
  }

  /** Throws `USAGE` for an address that is none, `QUEUE_UNREACHABLE` when nothing answers there. */
  static async open(url: string): Promise<ClusterQueue> {
    const queue = new ClusterQueue(parseQueueAddress(url));
    try {
      const assemblies = queue.#assemblies;
      await withTimeout(assemblies.waitUntilReady(), assemblies, queue.address);
      await withTimeout(assemblies.getJobCounts(), assemblies, queue.address);
      return queue;
    } catch (error) {
      await queue.close();
      throw error instanceof UpscaleError ? error : describeRefusal(queue.address, error);
    }
  }

  /** Hands a job in: all segments, then the assembly. False when it is there already. */
  async submit(job: ClusterJob): Promise<boolean> {
    if ((await this.#assemblies.getJob(job.id)) !== undefined) return false;
    const common = { attempts: ATTEMPTS, backoff: { type: 'fixed', delay: RETRY_MS } };
    await this.#flows.add({
      name: 'assembly',
      queueName: ASSEMBLIES,
      data: job,
      opts: { ...common, jobId: job.id, removeOnComplete: { count: MOST_DONE } },
      children: Array.from({ length: job.segments }, (_, index) => ({
        name: 'segment',
        queueName: segmentQueueName(job.fleet),
        data: { id: job.id, index } satisfies SegmentJob,
        opts: {
          ...common,
          jobId: segmentJobId(job.id, index),
          priority: job.priority + SMALLEST_PRIORITY,
          failParentOnFailure: true,
          removeOnComplete: true,
        },
      })),
    });
    return true;
  }

  /** All jobs, those that were handed in last at the end. */
  async list(): Promise<JobStatus[]> {
    const found = await this.#assemblies.getJobs();
    const statuses = await Promise.all(found.map((job) => this.#describe(job)));
    return statuses.filter((status) => status !== null);
  }

  /** The job `id`, or the only one whose id begins so; null when there is none. */
  async find(id: string): Promise<JobStatus | null> {
    const exact = await this.#assemblies.getJob(id);
    if (exact !== undefined) return this.#describe(exact);
    const fitting = (await this.list()).filter(({ job }) => job.id.startsWith(id));
    return fitting.length === 1 ? (fitting[0] ?? null) : null;
  }

  /** Takes a job out; workers stop what they are at within seconds. */
  async cancel(job: ClusterJob): Promise<void> {
    const found = await this.#assemblies.getJob(job.id);
    if (found === undefined) return;
    await found.updateData({ ...job, cancelled: true });
    for (let attempt = 0; ; attempt++) {
      try {
        await found.remove({ removeChildren: true });
        return;
      } catch (error) {
        // Work that is under way is locked until its worker has seen that it is not wanted, or has not been heard of for long enough.
        if (attempt < CANCEL_TRIES) {
          await new Promise((resolve) => setTimeout(resolve, CANCEL_MS));
          continue;
        }
        throw new UpscaleError('QUEUE_UNREACHABLE', `A worker does not let go of ${job.id}.`, {
          cause: error,
          hint: 'It begins nothing more of it. Try again when the worker has ended what it is at.',
        });
      }
    }
  }

  /** Hands a failed job in once more; finished segments are found in the store. Throws `USAGE` for one that did not fail. */
  async retry({ job, state }: JobStatus): Promise<void> {
    if (state !== 'failed') {
      throw new UpscaleError('USAGE', `${job.id} did not fail: it is ${state}.`, {
        hint: 'To make a file again, submit it with -y.',
      });
    }
    await this.cancel(job);
    await this.submit({ ...job, cancelled: false });
  }

  async setPriority(job: ClusterJob, priority: number): Promise<void> {
    const found = await this.#assemblies.getJob(job.id);
    await found?.updateData({ ...job, priority });
    const queue = this.#segmentQueue(job.fleet);
    for (let index = 0; index < job.segments; index++) {
      const segment = await queue.getJob(segmentJobId(job.id, index));
      await segment?.changePriority({ priority: priority + SMALLEST_PRIORITY }).catch(() => undefined);
    }
  }

  /** Whether a job is still wanted. Waits for a queue that is away. */
  async isWanted(id: string): Promise<boolean> {
    const found = await this.#assemblies.getJob(id);
    const job = clusterJobSchema.safeParse(found?.data);
    return job.success && !job.data.cancelled;
  }

  /** How many segments of a fleet wait. */
  async countWaiting(fleet: string): Promise<number> {
    return this.#segmentQueue(fleet).getJobCountByTypes('waiting', 'prioritized', 'delayed');
  }

  /**
   * Takes work until `signal` is aborted; what is under way then goes back to the others. Waits for a queue that is away. What a job holds is
   * checked before it is believed.
   */
  async work(
    fleet: string,
    handler: WorkHandler,
    options: { readonly lanes: number; readonly logger: Logger; readonly signal: AbortSignal },
  ): Promise<void> {
    const { lanes, logger, signal } = options;
    let leftLast = '';
    const take =
      <T>(schema: { parse: (data: unknown) => T }, run: (data: T, signal: AbortSignal) => Promise<void>) =>
      async (job: Job<unknown>, token?: string): Promise<void> => {
        try {
          await run(parseData(schema, job), signal);
        } catch (error) {
          if (signal.aborted) {
            await job.moveToWait(token);
            throw new WaitingError();
          }
          if (error instanceof NotHere) {
            // It comes again every few seconds while nobody else takes it.
            logger[error.message === leftLast ? 'debug' : 'warn'](`Left to others: ${error.message}`);
            leftLast = error.message;
            await job.moveToDelayed(Date.now() + MISFIT_MS, token);
            throw new DelayedError();
          }
          throw asFinal(error);
        }
      };
    const common = {
      connection: this.address.connection,
      lockDuration: LEASE_MS,
      stalledInterval: LEASE_CHECK_MS,
      maxStalledCount: ATTEMPTS - 1,
    };
    const workers = [
      new Worker(segmentQueueName(fleet), take(segmentJobSchema, handler.runSegment), {
        ...common,
        concurrency: lanes,
      }),
      new Worker(ASSEMBLIES, take(clusterJobSchema, handler.runAssembly), common),
    ];
    const away = new AwayNotice(logger, this.address);
    for (const worker of workers) {
      worker.on('error', (error) => away.say(error));
      worker.on('active', () => away.clear());
      worker.on('failed', (job, error) =>
        logger.warn(`${job?.name ?? 'Work'} ${job?.id ?? ''} failed: ${error.message}`),
      );
    }
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all(workers.map((worker) => worker.close()));
  }

  async close(): Promise<void> {
    const parts = [this.#assemblies, this.#flows, ...this.#segments.values()];
    await Promise.all(parts.map(async (part) => part.close().catch(() => undefined)));
  }

  #segmentQueue(fleet: string): Queue<unknown> {
    const known = this.#segments.get(fleet);
    if (known !== undefined) return known;
    const queue = new Queue<unknown>(segmentQueueName(fleet), { connection: this.address.connection });
    queue.on('error', () => undefined);
    this.#segments.set(fleet, queue);
    return queue;
  }

  async #describe(job: Job<unknown>): Promise<JobStatus | null> {
    const data = clusterJobSchema.safeParse(job.data);
    if (!data.success) return null;
    const state = await job.getState();
    const left = state === 'waiting-children' ? await this.#countLeft(job) : 0;
    const segmentsDone = state === 'failed' ? 0 : data.data.segments - left;
    const states: Readonly<Record<string, JobState>> = {
      'waiting-children': segmentsDone === 0 ? 'waiting' : 'running',
      completed: 'done',
      failed: 'failed',
    };
    const reason = state === 'failed' ? await this.#findReason(data.data, job) : null;
    return { job: data.data, state: states[state] ?? 'assembling', segmentsDone, reason };
  }

  /** Why a job failed: of a segment, the segment's own reason. */
  async #findReason({ id, fleet }: ClusterJob, assembly: Job<unknown>): Promise<string> {
    const failed = await this.#segmentQueue(fleet).getFailed();
    const segment = failed.find((job) => job.id?.startsWith(`${id}.`));
    return segment === undefined
      ? assembly.failedReason
      : `segment ${segment.id?.slice(id.length + 1) ?? ''}: ${segment.failedReason}`;
  }

  async #countLeft(job: Job<unknown>): Promise<number> {
    const { unprocessed = 0 } = await job.getDependenciesCount({ unprocessed: true });
    return unprocessed;
  }
}

function segmentQueueName(fleet: string): string {
  return `${ASSEMBLIES}-${fleet}`;
}

function segmentJobId(id: string, index: number): string {
  return `${id}.${String(index)}`;
}

/** Nothing that comes from Redis is believed. */
function parseData<T>(schema: { parse: (data: unknown) => T }, job: Job<unknown>): T {
  try {
    return schema.parse(job.data);
  } catch (error) {
    throw new UpscaleError('PLAN_INVALID', `The job ${String(job.id)} in the queue makes no sense.`, {
      cause: error,
    });
  }
}

/** What would fail again is not tried again. */
function asFinal(error: unknown): Error {
  const known = UpscaleError.from(error);
  const message = known.hint === undefined ? known.message : `${known.message} ${known.hint}`;
  return known.retryable || known.code === 'INTERNAL' ? new Error(message) : new UnrecoverableError(message);
}
