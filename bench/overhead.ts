import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Plan } from '../src/pipeline/plan-schema.ts';
import { makeClip, runFfmpeg, tools } from './clips.ts';
import { runMeasured, upscaleArguments } from './run-measured.ts';

/** CPU seconds. */
export interface Parts {
  readonly decode: number;
  readonly infer: number;
  readonly encode: number;
}

export interface Overhead {
  readonly clip: string;
  readonly frames: number;
  readonly parts: Parts;
  readonly wholeCpuSeconds: number;
  readonly wholeWallSeconds: number;
  /** Whole run over the sum of its parts; the aim is 1.10. */
  readonly cpuRatio: number;
  /** Wall time over that sum divided by the cores; the aim is 1.15. */
  readonly wallRatio: number;
}

/** Compares the CPU time of a whole run with that of its parts alone: decode to null, bare session runs, encode from a file. */
export async function benchOverhead(folder: string, size: string, seconds: number): Promise<Overhead> {
  const clip = makeClip(folder, size, seconds);
  const output = path.join(folder, 'whole.mp4');
  const whole = await runMeasured(process.execPath, upscaleArguments(clip, output));
  const { plan } = (JSON.parse(whole.stdout) as { result: { plan: Plan } }).result;

  const parts = await measureParts(clip, output, plan);
  const sum = parts.decode + parts.infer + parts.encode;
  return {
    clip: `${size}, ${String(seconds)} s`,
    frames: plan.expectedFrames,
    parts,
    wholeCpuSeconds: whole.cpuSeconds,
    wholeWallSeconds: whole.wallSeconds,
    cpuRatio: whole.cpuSeconds / sum,
    wallRatio: whole.wallSeconds / (sum / os.availableParallelism()),
  };
}

/** What the parts of a run take alone: decoding to nowhere, the networks on one thread, encoding what came out from a raw file. */
export async function measureParts(clip: string, output: string, plan: Plan): Promise<Parts> {
  const quiet = ['-v', 'error', '-nostdin'];
  const decode = await runMeasured(tools.ffmpeg, [...quiet, '-i', clip, '-map', '0:v:0', '-f', 'null', '-']);
  const chroma = plan.infer.chroma?.network.path;
  const bare = await runMeasured(process.execPath, [
    ...['--import', 'tsx', 'bench/bare-session.ts', String(plan.infer.passes[0]?.path)],
    ...[String(plan.decode.width), String(plan.decode.height), String(plan.expectedFrames)],
    ...(chroma === undefined ? [] : [chroma]),
  ]);
  const raw = path.join(path.dirname(output), 'frames.nut');
  runFfmpeg(['-i', output, '-map', '0:v:0', '-c:v', 'rawvideo', '-f', 'nut', raw]);
  const encode = await runMeasured(tools.ffmpeg, [
    ...[...quiet, '-y', '-i', raw, '-vf', plan.encode.filters.join(',')],
    ...[...plan.encode.encoderArguments, path.join(path.dirname(output), 'encoded.mov')],
  ]);
  await rm(raw);
  return { decode: decode.cpuSeconds, infer: Number(bare.stdout), encode: encode.cpuSeconds };
}
