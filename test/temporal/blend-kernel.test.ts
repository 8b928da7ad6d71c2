import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeThresholds } from '../../src/temporal/blend-thresholds.ts';
import { comparisonShift } from '../../src/temporal/noise-estimate.ts';
import { blendReference, measureReference } from './blend-reference.ts';
import { arena, kernels, makeRandom, type Samples } from './clip-fixture.ts';

/** Three planes that differ a little in one half and wildly in places, over all code values. */
function makeFrames(width: number, height: number, bits: number, seed: number, noise: number): Samples[] {
  const random = makeRandom(seed);
  const white = 2 ** bits - 1;
  const unit = 2 ** (bits - 8);
  const base = Array.from({ length: width * height }, () => Math.floor(random() * (white + 1)));
  return [0, 1, 2].map(() => {
    const samples = bits > 8 ? new Uint16Array(width * height) : new Uint8Array(width * height);
    base.forEach((value, i) => {
      const change = random() < 0.02 ? (random() - 0.5) * 2 * white : (random() - 0.5) * noise * unit * 4;
      samples[i] = Math.min(Math.max(Math.round(value + change), 0), white);
    });
    return samples;
  });
}

const GUARD = 64;

function place(samples: Samples): number {
  const at = arena.allocate(samples.byteLength + 2 * GUARD) + GUARD;
  arena.bytes(at - GUARD, samples.byteLength + 2 * GUARD).fill(0x5a);
  arena.bytes(at, samples.byteLength).set(new Uint8Array(samples.buffer));
  return at;
}

const clip = fc.record({
  width: fc.integer({ min: 8, max: 75 }),
  height: fc.integer({ min: 1, max: 40 }),
  bits: fc.constantFrom(8, 10, 12, 16),
  seed: fc.integer(),
  noise: fc.double({ min: 0.8, max: 14, noNaN: true }),
  strength: fc.constantFrom('low', 'medium', 'high'),
  log2Block: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
});

describe('blendPlane', () => {
  it('gives the bits of the plain reference and stays inside of its plane', () => {
    fc.assert(
      fc.property(clip, ({ width, height, bits, seed, noise, strength, log2Block }) => {
        const [current, previous, next] = makeFrames(width, height, bits, seed, noise);
        if (current === undefined || previous === undefined || next === undefined) return;
        const shift = comparisonShift(bits);
        const thresholds = computeThresholds(strength, noise * 2 ** (bits - 8 - shift), bits);
        if (thresholds === null) throw new Error('noise enough');
        const offsets = [current, previous, next, current].map(place);
        const [c = 0, p = 0, n = 0, target = 0] = offsets;
        const stride = Math.ceil((2 * width + 128) / 64) * 64;
        const table = arena.allocate(64);
        const work = arena.allocate(32 * stride + 64);
        arena.bytes(work, 32 * stride + 64).fill(0x77);
        new Int16Array(arena.memory.buffer, table, 12).set(thresholds.values);
        const { fraction } = thresholds;
        const random = makeRandom(seed + 1);
        const blocks = Math.ceil(width / 2 ** log2Block[0]) * Math.ceil(height / 2 ** log2Block[1]);
        const [previousTrust, nextTrust] = [0, 1].map(() =>
          Int16Array.from({ length: blocks }, () => Math.floor(random() * 1.5 * 32768)).map((t) =>
            t < 0 ? 32767 : t,
          ),
        ) as [Int16Array, Int16Array];
        const trust = arena.allocate(4 * blocks);
        new Int16Array(arena.memory.buffer, trust, 2 * blocks).set([...previousTrust, ...nextTrust]);
        kernels.blendPlane(
          ...([bits > 8, c, p, n, target, width, height, shift, fraction, table] as const),
          ...([trust, trust + 2 * blocks, ...log2Block, work, stride] as const),
        );
        const isWhole = [target - GUARD, target + current.byteLength].every((at) =>
          arena.bytes(at, GUARD).every((byte) => byte === 0x5a),
        );
        const bytes = arena.bytes(target, current.byteLength).slice();
        const result = bits > 8 ? new Uint16Array(bytes.buffer) : bytes;
        for (const at of offsets) arena.release(at - GUARD);
        arena.release(table);
        arena.release(work);
        arena.release(trust);
        expect(isWhole).toBe(true);
        const input = { width, height, shift, fraction, thresholds: thresholds.values };
        const planes = { current, previous, next, previousTrust, nextTrust, log2Block };
        expect(result).toEqual(blendReference({ ...input, ...planes }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('measureBlocks', () => {
  it('gives the sums of the plain reference', () => {
    fc.assert(
      fc.property(clip, fc.integer({ min: 16, max: 40 }), ({ width, height, bits, seed, noise }, step) => {
        const [current, previous, next] = makeFrames(width, height, bits, seed, noise);
        if (current === undefined || previous === undefined || next === undefined) return;
        const shift = comparisonShift(bits);
        const offsets = [current, previous, next].map(place);
        const [c = 0, p = 0, n = 0] = offsets;
        const results = arena.allocate(1024);
        const count = kernels.measureBlocks(bits > 8, c, p, n, width, height, shift, step, results);
        const sums = [...new Int32Array(arena.memory.buffer, results, count * 4)];
        for (const at of offsets) arena.release(at - GUARD);
        arena.release(results);
        expect(sums).toEqual(measureReference({ width, height, shift, current, previous, next }, step));
      }),
      { numRuns: 100 },
    );
  });
});
