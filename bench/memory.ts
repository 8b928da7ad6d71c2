import type { Plan } from '../src/pipeline/plan-schema.ts';
import path from 'node:path';
import { makeClip } from './clips.ts';
import { runMeasured, upscaleArguments } from './run-measured.ts';

export interface Memory {
  readonly clip: string;
  readonly options: string;
  readonly lanes: number;
  readonly plannedMib: number;
  readonly peakMib: number;
  /** Peak over plan; the aim is 0.8 to 1.2. */
  readonly ratio: number;
}

/** Compares the peak resident size of the whole process tree with what the plan stated. */
export async function benchMemory(
  folder: string,
  size: string,
  seconds: number,
  options: readonly string[],
): Promise<Memory> {
  const clip = makeClip(folder, size, seconds);
  const output = path.join(folder, 'memory.mp4');
  const run = await runMeasured(process.execPath, [...upscaleArguments(clip, output), ...options], {
    memory: true,
  });
  const { resources } = (JSON.parse(run.stdout) as { result: { plan: Plan } }).result.plan;
  return {
    clip: `${size}, ${String(seconds)} s`,
    options: options.join(' '),
    lanes: resources.lanes,
    plannedMib: Math.round(resources.memoryBytes / 2 ** 20),
    peakMib: Math.round(run.peakBytes / 2 ** 20),
    ratio: run.peakBytes / resources.memoryBytes,
  };
}
