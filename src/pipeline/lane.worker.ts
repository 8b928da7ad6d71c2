import type { MessagePort } from 'node:worker_threads';
import { UpscaleError, type SerializedError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { openUpscaler } from '../infer/upscaler.ts';
import { Arena } from '../kernels/arena.ts';
import { loadKernels } from '../kernels/kernels.ts';
import type { Plan, SegmentResult } from './plan-schema.ts';
import { runLive, type LivePlan, type LiveState } from './run-live.ts';
import { FrameStack } from './stack-frames.ts';
import { runSegment, type LaneResources, type StageSeconds } from './run-segment.ts';

/** A stream without an end, in a lane of its own. */
export interface LiveTask {
  readonly live: LivePlan;
  readonly tools: FfmpegTools;
  readonly port: MessagePort;
}

export type LiveAnswer =
  | { readonly ok: true; readonly state: LiveState | null }
  | { readonly ok: false; readonly error: SerializedError };

export interface LaneTask {
  readonly plan: Plan;
  readonly tools: FfmpegTools;
  readonly index: number;
  readonly directory: string;
  readonly port: MessagePort;
}

/** From a lane to the main thread while a segment runs. */
export type LaneMessage =
  | { readonly type: 'frames'; readonly frames: number; readonly stages: StageSeconds }
  | { readonly type: 'live'; readonly state: LiveState }
  | { readonly type: 'log'; readonly level: 'debug' | 'info' | 'warn'; readonly message: string };

export type LaneAnswer =
  | { readonly ok: true; readonly result: SegmentResult }
  | { readonly ok: false; readonly error: SerializedError };

/** Frames are reported no more often than this, in milliseconds. */
const REPORT_EVERY = 100;

/** What the lane holds open, and for which plan. */
let open: { readonly hash: string; readonly resources: Promise<LaneResources> } | undefined;

/** Runs one segment or one stream. Never throws: the error is part of the answer, so that its code survives the thread's border. */
export default async function runLaneTask(task: LaneTask | LiveTask): Promise<LaneAnswer | LiveAnswer> {
  return 'live' in task ? runLiveTask(task) : runSegmentTask(task);
}

async function runLiveTask({ live, tools, port }: LiveTask): Promise<LiveAnswer> {
  const abort = new AbortController();
  port.on('message', () => abort.abort());
  try {
    const state = await runLive(live, {
      tools,
      signal: abort.signal,
      logger: forwardLog(port),
      onState: (now) => port.postMessage({ type: 'live', state: now } satisfies LaneMessage),
    });
    return { ok: true, state };
  } catch (error) {
    return { ok: false, error: UpscaleError.from(error, 'LANE_FAILED').toJSON() };
  } finally {
    port.close();
  }
}

/** Runs one segment; see {@link runLaneTask}. */
export async function runSegmentTask(task: LaneTask): Promise<LaneAnswer> {
  const { plan, port } = task;
  const abort = new AbortController();
  port.on('message', () => {
    abort.abort();
  });
  const logger = forwardLog(port);
  let frames = 0;
  let reported = 0;
  try {
    const resources = await useLane(task, logger);
    const result = await runSegment(plan, task.index, resources, {
      directory: task.directory,
      signal: abort.signal,
      logger,
      onFrame: (stages) => {
        frames++;
        const now = performance.now();
        if (now - reported < REPORT_EVERY && frames > 1) return;
        reported = now;
        port.postMessage({ type: 'frames', frames, stages: { ...stages } } satisfies LaneMessage);
      },
    });
    return { ok: true, result };
  } catch (error) {
    return { ok: false, error: UpscaleError.from(error, 'LANE_FAILED').toJSON() };
  } finally {
    port.close();
  }
}

/** The lane's session and memory, kept from segment to segment of one plan. */
async function useLane(task: LaneTask, logger: Logger): Promise<LaneResources> {
  if (open !== undefined && open.hash !== task.plan.hash) {
    const before = await open.resources.catch(() => null);
    await before?.upscaler.close();
    await before?.stack?.close();
    open = undefined;
  }
  open ??= { hash: task.plan.hash, resources: openLane(task, logger) };
  try {
    return await open.resources;
  } catch (error) {
    open = undefined;
    throw error;
  }
}

async function openLane({ plan, tools }: LaneTask, logger: Logger): Promise<LaneResources> {
  const arena = new Arena(plan.resources.arenaBytes);
  const [kernels, upscaler] = await Promise.all([
    loadKernels(arena),
    openUpscaler(plan.infer, { arena, logger }),
  ]);
  const stack =
    plan.beside === undefined ? undefined : await FrameStack.open(plan.beside, { arena, kernels });
  return { arena, kernels, upscaler, stack, tools };
}

function forwardLog(port: MessagePort): Logger {
  const send =
    (level: 'debug' | 'info' | 'warn') =>
    (message: string): void => {
      port.postMessage({ type: 'log', level, message } satisfies LaneMessage);
    };
  return { debug: send('debug'), info: send('info'), warn: send('warn') };
}
