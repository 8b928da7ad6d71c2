import { describe, expect, it } from 'vitest';
import { cutGrid } from '../../src/preview/grid.ts';

/** A source of `times` milliseconds whose frames are `step` apart as a rule. */
function sourceOf(times: readonly number[], step: number): Parameters<typeof cutGrid>[0] {
  const timeBase = { num: 1, den: 1000 };
  const scan = {
    firstPts: times[0] ?? null,
    lastPts: times.at(-1) ?? null,
    missingPts: 0,
    step: { median: step },
  };
  return { source: { video: { timeBase, scan } }, decode: { timeBase }, frameRate: null } as never;
}

describe('cutGrid', () => {
  it('cuts even frames into equal numbers of them', () => {
    const times = Array.from({ length: 100 }, (_, i) => 500 + 40 * i);
    const { segments, duration, originTicks } = cutGrid(sourceOf(times, 40), false);
    expect(originTicks).toBe(500);
    expect(duration).toBeCloseTo(4);
    expect(segments.map(({ duration: seconds }) => Math.round(seconds / 0.04))).toEqual([
      15, 15, 15, 15, 15, 15, 10,
    ]);
    expect(segments[1]).toMatchObject({
      firstTicks: 1100,
      startTicks: 1080,
      endTicks: 1680,
      nextTicks: 1700,
    });
  });

  it('begins with the frames before the first one that has a time', () => {
    const { source, ...rest } = sourceOf([80, 120], 40);
    const scan = { ...source.video.scan, missingPts: 2, frames: 4 };
    const { originTicks, duration } = cutGrid(
      { ...rest, source: { ...source, video: { ...source.video, scan } } },
      false,
    );
    expect(originTicks).toBe(0);
    expect(duration).toBeCloseTo(0.16);
  });

  it('begins each segment with a frame where they are uneven, and spans pauses', () => {
    const times = [0, 40, 80, 130, 190, 700, 740, 780, 2500, 2540, 2600, 2640, 3300, 3340];
    const { segments, duration } = cutGrid(sourceOf(times, 40), false, Float64Array.from(times));
    expect(segments[0]?.firstTicks).toBe(0);
    for (const [i, { firstTicks, startTicks, nextTicks, endTicks }] of segments.entries()) {
      expect(times).toContain(firstTicks);
      const next = segments[i + 1];
      if (next === undefined) continue;
      expect([nextTicks, endTicks]).toEqual([next.firstTicks, next.startTicks]);
      // Between two frames, so that each belongs to one segment.
      expect(times.filter((time) => time >= startTicks && time < endTicks).length).toBeGreaterThan(0);
    }
    expect(segments.map(({ firstTicks }) => firstTicks)).toEqual([0, 700, 2500, 3300]);
    expect(duration).toBeCloseTo(3.38);
  });
});
