import { describe, expect, it } from 'vitest';
import { Ladder, listRungs } from '../../src/preview/ladder.ts';

/** Work of four rungs in seconds of a lane for a second of video, on two lanes. */
const ESTIMATES = [8, 2, 0.5, 0.25];

describe('listRungs', () => {
  it('goes from the most work to the least, and ends with a plain filter and with every other frame', () => {
    const models = [
      { id: 'small', flopsPerSample: 1 },
      { id: 'large', flopsPerSample: 9 },
    ];
    expect(listRungs(models, 'auto')).toEqual([
      { model: 'large', chroma: 'auto', halfRate: false },
      { model: 'small', chroma: 'auto', halfRate: false },
      { model: 'small', chroma: 'filter', halfRate: false },
      { model: 'lanczos', chroma: 'filter', halfRate: false },
      { model: 'lanczos', chroma: 'filter', halfRate: true },
    ]);
  });
});

describe('Ladder', () => {
  it('takes the best rung that promises real time and a reserve, judged by the one that was measured', () => {
    const ladder = new Ladder(ESTIMATES, 2);
    ladder.record(1, 1, 1);
    expect(ladder.choose()).toBe(1);
    expect(ladder.speedOf(1)).toBe(2);
    expect(ladder.speedOf(0)).toBe(0.5);
    const slower = new Ladder(ESTIMATES, 2);
    slower.record(1, 1.95, 1);
    expect(slower.choose()).toBe(2);
  });

  it('takes the last rung where none keeps up', () => {
    const ladder = new Ladder(ESTIMATES, 2);
    ladder.record(3, 50, 1);
    expect(ladder.choose()).toBe(3);
  });

  it('steps down when segments take longer than they last, and up again when the machine has time, not at once', () => {
    let now = 0;
    const ladder = new Ladder(ESTIMATES, 2, () => now);
    ladder.record(1, 1, 1);
    ladder.choose();
    const segment = (laneSeconds: number): boolean => ladder.record(ladder.current, laneSeconds, 1);
    expect([segment(1), segment(1)]).toEqual([false, false]);
    for (let i = 0; i < 6 && ladder.current === 1; i++) segment(4);
    expect(ladder.current).toBe(2);
    for (let i = 0; i < 5; i++) segment(0.2);
    expect(ladder.current).toBe(2);
    now = 25;
    segment(0.2);
    expect(ladder.current).toBe(1);
  });

  it('is not moved by what was made on another rung', () => {
    const ladder = new Ladder(ESTIMATES, 2);
    ladder.record(1, 1, 1);
    ladder.choose();
    for (let i = 0; i < 10; i++) expect(ladder.record(0, 100, 1)).toBe(false);
    expect(ladder.current).toBe(1);
  });
});
