import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { UpscaleError } from '../core/errors.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { LaneAnswer, LaneMessage, LaneTask, LiveAnswer, LiveTask } from './lane.worker.ts';
import type { Plan, SegmentResult } from './plan-schema.ts';
import type { LivePlan, LiveState } from './run-live.ts';

export interface LaneRun {
  readonly plan: Plan;
  readonly tools: FfmpegTools;
  readonly index: number;
  readonly directory: string;
  /** Asks the lane to stop; it does so between frames and tiles, never inside a model run. */
  readonly signal: AbortSignal;
  readonly onMessage: (message: LaneMessage) => void;
}

/**
 * The lanes: piscina workers, one segment at a time each. A lane inside a model run must not be killed (onnxruntime aborts the
 * whole process), so stopping is asked for by message and awaited, and {@link LanePool.close} comes when all lanes are idle.
 */
export class LanePool {
  readonly #pool: Piscina<LaneTask | LiveTask, LaneAnswer | LiveAnswer>;
  /** When each worker has loaded its libraries, or has failed to. */
  readonly #loaded = new Map<Worker, Promise<void>>();

  /**
   * Starts `atOnce` workers, so that they load their libraries while the source is still looked at; up to `most` follow when they are
   * needed.
   */
  constructor(most: number, atOnce = 1) {
    const fromSource = import.meta.url.endsWith('.ts');
    const worker = new URL(fromSource ? './lane.worker.ts' : './lane.worker.js', import.meta.url);
    this.#pool = new Piscina({
      filename: worker.href,
      minThreads: Math.max(1, Math.min(atOnce, most)),
      maxThreads: Math.max(1, most),
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // Between tasks a lane must still hear its decoder and encoder end.
      atomics: 'disabled',
      ...(fromSource ? { execArgv: ['--import', 'tsx'] } : {}),
    });
    this.#watchLoading();
  }

  /** Runs one segment in the next free lane. */
  async run(run: LaneRun): Promise<SegmentResult> {
    const { plan, tools, index, directory } = run;
    const answer = await this.#send(run, `segment ${run.index}`, (port) => ({
      plan,
      tools,
      index,
      directory,
      port,
    }));
    if ('result' in answer) return answer.result;
    throw new UpscaleError('INTERNAL', 'A lane gave the answer to another question.');
  }

  /** Upscales a live stream in the next free lane, until it ends or is stopped. */
  async runLive(run: {
    readonly plan: LivePlan;
    readonly tools: FfmpegTools;
    readonly signal: AbortSignal;
    readonly onMessage: (message: LaneMessage) => void;
  }): Promise<LiveState | null> {
    const { plan: live, tools } = run;
    const answer = await this.#send(run, 'the stream', (port) => ({ live, tools, port }));
    if ('state' in answer) return answer.state;
    throw new UpscaleError('INTERNAL', 'A lane gave the answer to another question.');
  }

  async #send(
    run: { readonly signal: AbortSignal; readonly onMessage: (message: LaneMessage) => void },
    what: string,
    makeTask: (port: MessagePort) => LaneTask | LiveTask,
  ): Promise<Extract<LaneAnswer | LiveAnswer, { ok: true }>> {
    const { port1, port2 } = new MessageChannel();
    const abort = (): void => port1.postMessage('abort');
    port1.on('message', run.onMessage);
    run.signal.addEventListener('abort', abort);
    if (run.signal.aborted) abort();
    try {
      const answering = this.#pool.run(makeTask(port2), { transferList: [port2] });
      this.#watchLoading();
      const answer = await answering;
      if (answer.ok) return answer;
      throw UpscaleError.revive(answer.error);
    } catch (error) {
      if (error instanceof UpscaleError) throw error;
      throw new UpscaleError('LANE_FAILED', `A lane broke down in ${what}.`, {
        cause: error,
        retryable: true,
      });
    } finally {
      run.signal.removeEventListener('abort', abort);
      port1.close();
    }
  }

  /** Ends the workers. Call it only when no run is under way. */
  async close(): Promise<void> {
    // One that is ended while onnxruntime is being loaded takes the whole process with it.
    for (const worker of this.#loaded.keys()) worker.ref();
    await Promise.all(this.#loaded.values());
    await this.#pool.destroy();
  }

  #watchLoading(): void {
    for (const worker of this.#pool.threads) {
      if (this.#loaded.has(worker)) continue;
      const loaded = new Promise<void>((resolve) => {
        for (const event of ['message', 'error', 'exit']) worker.once(event, () => resolve());
      });
      this.#loaded.set(worker, loaded);
    }
  }
}
