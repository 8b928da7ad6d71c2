import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rescale, type Rational } from '../../src/core/rational.ts';
import type { Source } from '../../src/decode/source.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { deliver, makePlainSource, readFile, readTimes } from './encode-fixture.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-times-'));
const toolSets = await findToolSets();
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Clock {
  readonly timeBase: Rational;
  readonly frameRate: Rational;
  readonly times: readonly number[];
  readonly step: number;
  readonly variable?: boolean;
}

const COUNT = 24;
const count = (step: number, start = 0): number[] =>
  Array.from({ length: COUNT }, (_, i) => start + i * step);

const CLOCKS: Readonly<Record<string, Clock>> = {
  '25 a second': { timeBase: { num: 1, den: 25 }, frameRate: { num: 25, den: 1 }, times: count(1), step: 1 },
  '30000/1001 a second': {
    timeBase: { num: 1001, den: 30000 },
    frameRate: { num: 30000, den: 1001 },
    times: count(1),
    step: 1,
  },
  '50 a second, fine ticks': {
    timeBase: { num: 1, den: 25600 },
    frameRate: { num: 50, den: 1 },
    times: count(512),
    step: 512,
  },
  'a start 0.54 s after zero': {
    timeBase: { num: 1, den: 90000 },
    frameRate: { num: 25, den: 1 },
    times: count(3600, 48600),
    step: 3600,
  },
  // From short distances to long ones at the very place where a segment ends: decoding times would overlap.
  'a rate that changes': {
    timeBase: { num: 1, den: 90000 },
    frameRate: { num: 25, den: 1 },
    times: Array.from({ length: COUNT }, (_, i) => (i < 12 ? i * 300 : 3600 + (i - 12) * 9000)),
    step: 3600,
    variable: true,
  },
};

/** Cuts `times` into `parts` segments. */
function cut(times: readonly number[], parts: number): number[][] {
  return Array.from({ length: parts }, (_, i) =>
    times.slice(Math.round((i * times.length) / parts), Math.round(((i + 1) * times.length) / parts)),
  );
}

describe.each(toolSets)('with ffmpeg %s', (name, tools) => {
  let source: Source;
  beforeAll(async () => {
    await mkdir(path.join(directory, name), { recursive: true });
    source = await makePlainSource(tools, path.join(directory, name));
  });

  async function run(
    clock: Clock,
    profile: string,
    extension: string,
    parts: number,
  ): Promise<{ got: Awaited<ReturnType<typeof readTimes>>; output: string }> {
    const work = await mkdtemp(path.join(directory, 'work-'));
    const output = path.join(work, `out.${extension}`);
    const scan = { ...source.video.scan, variableFrameRate: clock.variable ?? false };
    const { timeBase, frameRate } = clock;
    await deliver(
      tools,
      {
        source: { ...source, video: { ...source.video, scan } },
        outputPath: output,
        profile,
        timeBase,
        frameRate,
      },
      cut(clock.times, parts),
      work,
      clock.step,
    );
    return { got: await readTimes(tools, output), output };
  }

  it.each(Object.entries(CLOCKS))('keeps every time of %s in MP4, whatever the cut', async (_, clock) => {
    for (const parts of [1, 2, 7]) {
      const { got, output } = await run(clock, 'h264', 'mp4', parts);
      expect(got.pts).toEqual(clock.times.map((ticks) => rescale(ticks, clock.timeBase, got.timeBase)));
      const { streams } = await readFile(tools, output);
      const first = (clock.times[0] ?? 0) * (clock.timeBase.num / clock.timeBase.den);
      const last = ((clock.times.at(-1) ?? 0) + clock.step) * (clock.timeBase.num / clock.timeBase.den);
      expect(Number(streams[0]?.start_time)).toBeCloseTo(first, 3);
      // The last frame is shown as long as the others.
      expect(Number(streams[0]?.duration)).toBeCloseTo(last - first, 2);
    }
  });

  it.each([
    ['h265', 'mp4'],
    ['h265', 'mov'],
    ['prores', 'mov'],
    ['ffv1', 'mkv'],
    ['h264', 'mkv'],
    ['vp9', 'webm'],
  ])('keeps every time of %s in %s', async (profile, extension) => {
    for (const [label, clock] of Object.entries(CLOCKS)) {
      const { got } = await run(clock, profile, extension, 2);
      const wanted = clock.times.map((ticks) => rescale(ticks, clock.timeBase, got.timeBase));
      // Matroska counts in milliseconds.
      const tolerance = extension === 'mkv' || extension === 'webm' ? 1 : 0;
      expect(got.pts.length, label).toBe(wanted.length);
      const worst = Math.max(...wanted.map((time, i) => Math.abs(time - (got.pts[i] ?? NaN))));
      expect(worst, label).toBeLessThanOrEqual(tolerance);
    }
  });

  it.each(['h264', 'h265', 'prores', 'vp9'])(
    'encodes segments of a single frame with %s',
    async (profile) => {
      const clock = { ...(CLOCKS['25 a second'] as Clock), times: [0, 1, 2] };
      const { got } = await run(clock, profile, profile === 'prores' ? 'mov' : 'mp4', 3);
      expect(got.pts).toEqual([0, 1, 2].map((ticks) => rescale(ticks, clock.timeBase, got.timeBase)));
    },
  );
});
