import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SegmentPlan } from '../decode/decode-plan.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { LanePool } from '../pipeline/lane-pool.ts';
import type { Plan, SegmentResult } from '../pipeline/plan-schema.ts';
import { makeFragment, readDecoderConfiguration } from './fragment.ts';
import { cutPieces } from './grid.ts';
import type { SegmentCache } from './segment-cache.ts';
import type { Variant } from './variant.ts';
import type { Viewer, ViewerList } from './viewers.ts';

/** Segments that are made beyond the one that was asked for. */
const AHEAD = 5;
/** Frames that are missing at the start of a segment before a black one is put there. */
const LEAST_HOLE = 1.5;
/** A lane that breaks down is tried once more. */
const ATTEMPTS = 2;

export interface WorkbenchOptions {
  readonly lanes: number;
  /** The workbench's from now on. */
  readonly pool: LanePool;
  readonly tools: FfmpegTools;
  /** For what is made on the way. */
  readonly directory: string;
  readonly cache: SegmentCache;
  readonly viewers: ViewerList;
  readonly logger: Logger;
}

interface Wish {
  readonly variant: Variant;
  readonly index: number;
  readonly key: string;
}

interface Waiter extends Wish {
  readonly resolve: (data: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

interface Job extends Wish {
  readonly stop: AbortController;
}

/**
 * Makes segments when players ask for them, and a few ahead. Several viewers of one segment share its making; what nobody wants any more is
 * stopped at once. A segment that somebody waits for while all lanes are idle is cut into as many pieces as there are lanes.
 */
export class Workbench {
  readonly #options: WorkbenchOptions;
  readonly #pool: LanePool;
  readonly #jobs = new Map<string, Job>();
  readonly #waiters = new Set<Waiter>();
  /** Prefetches that failed; they are tried again only when somebody asks. */
  readonly #failed = new Set<string>();
  #busyLanes = 0;
  #made = 0;
  #cancelled = 0;
  #closed = false;
  #settled: Promise<unknown>[] = [];

  constructor(options: WorkbenchOptions) {
    this.#options = options;
    this.#pool = options.pool;
  }

  /** Segments upscaled so far, and works that were stopped because nobody wanted them any more. */
  get counts(): { readonly made: number; readonly cancelled: number; readonly busyLanes: number } {
    return { made: this.#made, cancelled: this.#cancelled, busyLanes: this.#busyLanes };
  }

  /** Gives a segment, made now unless it is there. Rejects with `ABORTED` when `signal` is aborted, with the error of its making when that fails. */
  async take(viewer: Viewer, variant: Variant, index: number, signal: AbortSignal): Promise<Buffer> {
    viewer.moveTo(variant, index);
    return this.make(variant, index, signal);
  }

  /** The same for nobody in particular: no segments are made ahead. */
  async make(variant: Variant, index: number, signal: AbortSignal): Promise<Buffer> {
    const key = keyOf(variant, index);
    const ready = this.#isReady({ variant, index, key }) ? await this.#options.cache.read(key) : null;
    if (ready !== null) {
      this.reconcile();
      return ready;
    }
    this.#failed.delete(key);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        ...{ variant, index, key },
        resolve: (data) => {
          leave();
          resolve(data);
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      const onAbort = (): void => {
        waiter.reject(new UpscaleError('ABORTED', 'Nobody waits for this segment any more.'));
        this.reconcile();
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else this.reconcile();
    });
  }

  /** Starts what is wanted and stops what is not. To be called whenever viewers come, go or move. */
  reconcile(): void {
    if (this.#closed) return;
    const wishes = this.#listWishes();
    const wanted = new Set(wishes.map(({ key }) => key));
    for (const job of this.#jobs.values()) {
      if (wanted.has(job.key) || job.stop.signal.aborted) continue;
      this.#cancelled++;
      job.stop.abort();
    }
    const isStopping = [...this.#jobs.values()].some(({ stop }) => stop.signal.aborted);
    for (const wish of wishes) {
      const free = this.#options.lanes - this.#busyLanes;
      if (free <= 0) return;
      if (this.#jobs.has(wish.key) || this.#failed.has(wish.key) || this.#isReady(wish)) continue;
      const isWaitedFor = [...this.#waiters].some(({ key }) => key === wish.key);
      // After a seek the lanes come free within a tile: all of them are better than the first one now.
      if (isWaitedFor && isStopping) return;
      this.#start(wish, isWaitedFor && this.#busyLanes === 0 ? free : 1);
    }
  }

  /** Runs pieces of a plan at once, one in each lane, outside of any playlist. */
  async runPieces(
    plan: Plan,
    pieces: readonly SegmentPlan[],
    signal: AbortSignal,
  ): Promise<{ movie: Buffer; result: SegmentResult; laneSeconds: number }[]> {
    const directory = await mkdtemp(path.join(this.#options.directory, 'work-'));
    try {
      const settled = await Promise.allSettled(
        pieces.map(async (_, index) => {
          const started = performance.now();
          const result = await this.#runPiece(plan, pieces, index, { directory, signal });
          const laneSeconds = (performance.now() - started) / 1000;
          return { movie: await readFile(result.path), result, laneSeconds };
        }),
      );
      return settled.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason;
        return outcome.value;
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Stops everything, waits for the lanes and ends them. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of [...this.#waiters]) waiter.reject(new UpscaleError('ABORTED', 'The preview ends.'));
    for (const { stop } of this.#jobs.values()) stop.abort();
    await Promise.allSettled(this.#settled);
    await this.#pool.close();
  }

  /** What is waited for first, then what is shown next, nearest first. */
  #listWishes(): Wish[] {
    const wishes = new Map<string, Wish>();
    for (const { variant, index, key } of this.#waiters) wishes.set(key, { variant, index, key });
    const places = this.#options.viewers.places();
    for (let ahead = 0; ahead <= AHEAD; ahead++) {
      for (const place of places) {
        const index = place.index + ahead;
        if (index >= place.variant.grid.segments.length) continue;
        const key = keyOf(place.variant, index);
        if (!wishes.has(key)) wishes.set(key, { variant: place.variant, index, key });
      }
    }
    return [...wishes.values()];
  }

  #isReady({ variant, key }: Wish): boolean {
    return this.#options.cache.has(key, variant.ladder.current);
  }

  #start(wish: Wish, lanes: number): void {
    const job: Job = { ...wish, stop: new AbortController() };
    const rung = wish.variant.ladder.current;
    const pieces = cutPieces(wish.variant.cutOf(rung), wish.variant.grid, wish.index, lanes);
    this.#jobs.set(job.key, job);
    this.#busyLanes += pieces.length;
    const done = this.#make(job, rung, pieces)
      .then(
        (data) => this.#settle(job.key, (waiter) => waiter.resolve(data)),
        (error: unknown) => {
          if (job.stop.signal.aborted) return;
          this.#failed.add(job.key);
          this.#options.logger.warn(
            `Segment ${wish.index} could not be made: ${UpscaleError.from(error).message}`,
          );
          this.#settle(job.key, (waiter) => waiter.reject(error));
        },
      )
      .finally(() => {
        this.#jobs.delete(job.key);
        this.#busyLanes -= pieces.length;
        this.#settled = this.#settled.filter((other) => other !== done);
        this.reconcile();
      });
    this.#settled.push(done);
  }

  async #make(
    { variant, index, key, stop }: Job,
    rung: number,
    pieces: readonly SegmentPlan[],
  ): Promise<Buffer> {
    const { cache, tools, directory } = this.#options;
    // The first one also opens networks, and says as little of the speed as one without frames.
    const isFirst = variant.init === null;
    const made = await this.runPieces(variant.planOf(rung).plan, pieces, stop.signal);
    const filled = made.filter(({ result }) => result.frames > 0);
    const [first] = filled;
    if (first !== undefined) await variant.setInit(first.movie, { tools, directory });
    this.#made++;
    // Further on there may be frames, and then this one is asked for again.
    if (variant.init === null) return Buffer.alloc(0);
    const { firstTicks = 0, nextTicks = 0 } = variant.grid.segments[index] ?? {};
    const firstShown = first?.result.firstPts ?? nextTicks;
    const hasHole = firstShown - firstTicks > LEAST_HOLE * variant.grid.stepTicks;
    const black = hasHole ? [{ movie: await variant.black(this.#options), firstPts: firstTicks }] : [];
    const movies = [...black, ...filled.map(({ movie, result }) => ({ movie, firstPts: result.firstPts }))];
    const fragments = movies.map(({ movie, firstPts }, i) => {
      checkConfiguration(movie, variant);
      const end = variant.toUnits(movies[i + 1]?.firstPts ?? nextTicks);
      return makeFragment(movie, { start: Math.max(0, variant.toUnits(firstPts)), end });
    });
    const data = Buffer.concat(fragments);
    await cache.add(key, data, rung);
    if (isFirst || first === undefined) return data;
    const laneSeconds = made.reduce((sum, piece) => sum + piece.laneSeconds, 0);
    variant.ladder.record(rung, laneSeconds, variant.grid.segments[index]?.duration ?? 1);
    return data;
  }

  async #runPiece(
    plan: Plan,
    segments: readonly SegmentPlan[],
    index: number,
    run: { readonly directory: string; readonly signal: AbortSignal },
  ): Promise<SegmentResult> {
    const { tools, logger } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pool.run({
          ...{ plan: { ...plan, segments: [...segments] }, tools, index },
          ...run,
          onMessage: (message) => message.type === 'log' && logger[message.level](message.message),
        });
      } catch (error) {
        const again = error instanceof UpscaleError && error.retryable;
        if (!again || attempt >= ATTEMPTS || run.signal.aborted) throw error;
      }
    }
  }

  #settle(key: string, act: (waiter: Waiter) => void): void {
    for (const waiter of [...this.#waiters]) if (waiter.key === key) act(waiter);
  }
}

function keyOf(variant: Variant, index: number): string {
  return `${variant.id}/${String(index)}`;
}

/** All segments play from one init segment, so all must be of one kind. */
function checkConfiguration(movie: Buffer, variant: Variant): void {
  if (variant.init === null || readDecoderConfiguration(movie).equals(variant.init.configuration)) return;
  throw new UpscaleError('INTERNAL', 'The encoder changed its mind about the stream in the middle of it.');
}
