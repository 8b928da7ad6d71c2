import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession } from 'onnxruntime-node';
import { frameBytes, pixelFormat } from '../../src/core/pixel-format.ts';

import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { plan, probe, upscale, verify } from '../../src/index.ts';
import { openUpscaler } from '../../src/infer/upscaler.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { loadKernels } from '../../src/kernels/kernels.ts';
import type { Plan } from '../../src/pipeline/plan-schema.ts';
import { runSegment } from '../../src/pipeline/run-segment.ts';
import { embeddedTools } from '../ffmpeg/tool-sets.ts';
import { convert, PAL_TAGS } from '../measure/clip-fixture.ts';

const SAMPLE = fileURLToPath(new URL('../../samples/truth/indoors.mkv', import.meta.url));
/** The cut is behind the twelfth; the noise is one that blending takes out. */
const FRAMES = '18';
const NOISE = 'noise=alls=12:allf=t:all_seed=7';

/** How often what a machine cannot be asked the time of was done: the same figures wherever it is counted. */
export interface WorkCounts {
  /** Processes that a call starts outside of its lanes, when all that is kept between calls is there. */
  readonly processes: Readonly<Record<'probe' | 'plan' | 'upscale' | 'verify', number>>;
  /** One segment of 18 noisy frames with a cut, in one lane. */
  readonly segment: {
    readonly frames: number;
    readonly processes: number;
    readonly sessions: number;
    readonly networkRuns: number;
    /** Calls by kernel. */
    readonly kernels: Readonly<Record<string, number>>;
    /** Blocks taken from the arena, and their bytes, as multiples of the frames that come in and go out. */
    readonly blocks: number;
    readonly blockFrames: number;
    /** Capacity of the arena, as multiples of one frame in and one frame out. */
    readonly arenaFrames: number;
    /** Bytes through each pipe, as multiples of the frames. */
    readonly fromDecoder: number;
    readonly toEncoder: number;
  };
}

/** Runs what is counted. The lane's libraries are watched from outside; nothing is replaced. */
export async function countWork(): Promise<WorkCounts> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-counts-'));
  try {
    const tools = await embeddedTools();
    const coded = ['-frames:v', FRAMES, '-vf', NOISE, ...PAL_TAGS, '-c:v', 'ffv1'];
    const clip = await convert(tools, [[SAMPLE]], path.join(folder, 'clip.mkv'), coded);
    return { processes: await countProcesses(clip, tools), segment: await countSegment(clip, tools) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function countProcesses(
  clip: string,
  { ffmpeg, ffprobe }: FfmpegTools,
): Promise<WorkCounts['processes']> {
  const counts = { probe: 0, plan: 0, upscale: 0, verify: 0 };
  const request = { ...OPTIONS, ffmpeg, ffprobe, overwrite: true, segmentSeconds: 0.5 };
  const output = `${clip}.whole.mkv`;
  const calls: Readonly<Record<keyof typeof counts, () => Promise<unknown>>> = {
    probe: () => probe(clip, { ffmpeg, ffprobe }),
    plan: () => plan(clip, { ...request, output }),
    upscale: () => upscale(clip, { ...request, output }),
    verify: () => verify(clip, output, { ffmpeg, ffprobe }),
  };
  for (const name of ['probe', 'plan', 'upscale', 'verify'] as const) {
    // The first call may fill caches.
    await calls[name]();
    counts[name] = (await watchProcesses(calls[name])).children.length;
  }
  return counts;
}

const OPTIONS = {
  model: 'balanced',
  device: 'cpu',
  temporal: 'medium',
  encoder: 'ffv1',
  workers: 1,
} as const;

async function countSegment(clip: string, tools: FfmpegTools): Promise<WorkCounts['segment']> {
  const { ffmpeg, ffprobe } = tools;
  const output = `${clip}.segment.mkv`;
  const made = await plan(clip, { ...OPTIONS, ffmpeg, ffprobe, output, segmentSeconds: 100 });
  const arena = new CountingArena(made.resources.arenaBytes);
  const directory = `${clip}.segments`;
  await mkdir(directory);
  const calls = { sessions: 0, networkRuns: 0, kernels: new Map<string, number>() };
  const stop = watchLibraries(calls);
  try {
    const lane = {
      arena,
      tools,
      kernels: await loadKernels(arena),
      upscaler: await openUpscaler(made.infer, { arena }),
    };
    const { children, result } = await watchProcesses(() => runSegment(made, 0, lane, { directory }));
    await lane.upscaler.close();
    const [input, output] = countFrameBytes(made);
    const bytes = { from: 0, to: 0 };
    for (const { stdin, stdout } of children) {
      bytes.from += (stdout as { bytesRead?: number } | null)?.bytesRead ?? 0;
      bytes.to += (stdin as { bytesWritten?: number } | null)?.bytesWritten ?? 0;
    }
    const { frames } = result;
    return {
      frames,
      processes: children.length,
      ...{ sessions: calls.sessions, networkRuns: calls.networkRuns },
      kernels: Object.fromEntries([...calls.kernels].sort(([a], [b]) => (a < b ? -1 : 1))),
      blocks: arena.blocks,
      blockFrames: round(arena.blockBytes / (frames * (input + output))),
      arenaFrames: round(arena.capacity / (input + output)),
      fromDecoder: round(bytes.from / (frames * input)),
      toEncoder: round(bytes.to / (frames * output)),
    };
  } finally {
    stop();
  }
}

function countFrameBytes({ infer }: Plan): [input: number, output: number] {
  const [a, b] = [infer.input, infer.output].map(({ format, width, height }) =>
    frameBytes(pixelFormat(format), width, height),
  );
  return [a ?? 0, b ?? 0];
}

/** What stands beside the frames in a pipe differs by the version of ffmpeg, by some bytes a frame. */
function round(value: number): number {
  return Math.round(100 * value) / 100;
}

class CountingArena extends Arena {
  blocks = 0;
  blockBytes = 0;

  override allocate(length: number): number {
    this.blocks++;
    this.blockBytes += length;
    return super.allocate(length);
  }
}

/** The child processes that are started while `run` runs. */
async function watchProcesses<T>(run: () => Promise<T>): Promise<{ children: ChildProcess[]; result: T }> {
  const children: ChildProcess[] = [];
  const listener = (message: unknown): void => {
    children.push((message as { readonly process: ChildProcess }).process);
  };
  subscribe('child_process', listener);
  try {
    const result = await run();
    return { children, result };
  } finally {
    unsubscribe('child_process', listener);
  }
}

/** Counts sessions, runs and kernel calls of this thread until the function that it returns is called. */
function watchLibraries(calls: {
  sessions: number;
  networkRuns: number;
  readonly kernels: Map<string, number>;
}): () => void {
  const library = InferenceSession;
  const create = library.create.bind(InferenceSession) as (...args: unknown[]) => Promise<InferenceSession>;
  const { instantiate } = WebAssembly;
  library.create = async (...args: unknown[]) => {
    const session = await create(...args);
    calls.sessions++;
    const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<InferenceSession['run']>;
    session.run = (...given: unknown[]) => {
      calls.networkRuns++;
      return run(...given);
    };
    return session;
  };
  WebAssembly.instantiate = (async (module: WebAssembly.Module, imports?: WebAssembly.Imports) => {
    const { exports } = await instantiate(module, imports);
    const counted = Object.entries<unknown>(exports).map(([name, value]) => {
      if (typeof value !== 'function') return [name, value] as const;
      const call = (...args: unknown[]): unknown => {
        calls.kernels.set(name, (calls.kernels.get(name) ?? 0) + 1);
        return (value as (...args: unknown[]) => unknown)(...args);
      };
      return [name, call] as const;
    });
    return { exports: Object.fromEntries(counted) };
  }) as typeof WebAssembly.instantiate;
  return () => {
    library.create = create;
    WebAssembly.instantiate = instantiate;
  };
}
