import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ModelFacts } from '../src/infer/infer-plan.ts';
import { timeFrame } from '../src/measure/model-speed.ts';
import { openModel, type OpenModel } from '../src/measure/open-model.ts';
import { writeYardstick } from './yardstick.ts';

export interface ModelTime {
  /** CPU milliseconds for one frame: the least of all rounds, and the one in the middle. */
  readonly least: number;
  readonly median: number;
  /** The least over that of the yardstick, timed in the same rounds. */
  readonly ratio: number;
}

/** Of the frames that are timed. */
export const TIMED_SIZE = { width: 640, height: 360 };

/**
 * Times one 640x360 frame of 8 bit, one thread on the CPU. Each round runs every model and the yardstick once, so that a machine that gets
 * slower does so for all of them; the first is not counted. CPU time, because other programs may run. Compare ratios, of one call.
 */
export async function timeModels(models: readonly ModelFacts[], rounds: number): Promise<ModelTime[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-yardstick-'));
  const open: OpenModel[] = [];
  try {
    for (const model of [await writeYardstick(folder), ...models]) {
      const format = model.channels === 1 ? 'gray' : 'gbrp';
      const factor = model.kind === 'resample' ? 2 : model.scale;
      open.push(await openModel(model, { ...TIMED_SIZE, format, factor, device: 'cpu', threads: 1 }));
    }
    const times = open.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [i, model] of open.entries()) {
        const { cpu } = await timeFrame(model);
        if (round > 0) times[i]?.push(cpu);
      }
    }
    const [yardstick = NaN, ...least] = times.map((list) => Math.min(...list));
    return least.map((own, i) => {
      const sorted = (times[i + 1] ?? []).toSorted((a, b) => a - b);
      return { least: own, median: sorted[sorted.length >> 1] ?? NaN, ratio: own / yardstick };
    });
  } finally {
    for (const { upscaler } of open) await upscaler.close();
    await rm(folder, { recursive: true, force: true });
  }
}
