import { describe, expect, it } from 'vitest';
import { findLag, WAVE_RATE } from '../../src/measure/read-sound.ts';

/** Repeatable noise, `delay` samples late. */
function makeNoise(delay: number): Int16Array {
  return Int16Array.from({ length: 3 * WAVE_RATE }, (_, i) => {
    const n = i - delay;
    return Math.round(8000 * Math.sin(n * n * 0.00013) + 3000 * Math.sin(n * 0.7));
  });
}

describe('findLag', () => {
  it.each([0, 37, -420])('finds a delay of %i samples', (delay) => {
    const found = findLag(makeNoise(0), makeNoise(delay), 800);
    expect(found?.lag).toBe(delay);
    expect(found?.likeness).toBeGreaterThan(0.98);
  });

  it('takes the nearest of the many fits of a tone', () => {
    const tone = Int16Array.from({ length: 3 * WAVE_RATE }, (_, i) => Math.round(9000 * Math.sin(i / 3)));
    expect(findLag(tone, tone, 800)?.lag).toBe(0);
  });

  it('says nothing of silence, and of stretches that are too short', () => {
    expect(findLag(new Int16Array(3 * WAVE_RATE), makeNoise(0), 800)).toBeNull();
    expect(findLag(makeNoise(0).subarray(0, 1000), makeNoise(0), 300)).toBeNull();
  });
});
