import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeWarpFilters } from '../../src/temporal/warp-filters.ts';
import { arena, kernels, makeRandom, type Samples } from './clip-fixture.ts';
import {
  checkReference,
  halveReference,
  matchReference,
  refineReference,
  searchReference,
  type Blocks,
  type Level,
  type Vector,
} from './motion-reference.ts';
import { warpReference } from './warp-reference.ts';

const GUARD = 64;

/** Copies bytes into the arena for as long as `use` runs. */
function lend<T>(bytes: Uint8Array, use: (at: number) => T): T {
  const block = arena.allocate(bytes.length + 2 * GUARD);
  const guards = [block, block + GUARD + bytes.length].map((at) => arena.bytes(at, GUARD).fill(0x5a));
  arena.bytes(block + GUARD, bytes.length).set(bytes);
  try {
    const result = use(block + GUARD);
    expect(guards.every((guard) => guard.every((byte) => byte === 0x5a))).toBe(true);
    return result;
  } finally {
    arena.release(block);
  }
}

function packVectors(vectors: readonly Vector[]): Uint8Array {
  return new Uint8Array(Int16Array.from(vectors.flat()).buffer);
}

function readVectors(at: number, count: number): Vector[] {
  const numbers = new Int16Array(arena.memory.buffer, at, 2 * count);
  return Array.from({ length: count }, (_, i) => [numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0]);
}

/** A level full of soft shapes with some noise, seen from (`x`, `y`). */
function drawLevel(width: number, height: number, seed: number, x: number, y: number): Level {
  const random = makeRandom(seed);
  const source = Array.from({ length: 4 * width * height }, (_, i) => {
    const [column, row] = [(i % (2 * width)) + x, Math.floor(i / (2 * width)) + y];
    const shape = 60 * Math.sin(column / 5) * Math.cos(row / 7) + (column % 37 < 9 ? 40 : 0);
    return Math.round(110 + shape + 12 * (random() - 0.5));
  });
  return halveReference(source, 2 * width, width, height, 0);
}

const scene = fc.record({
  width: fc.integer({ min: 16, max: 60 }),
  height: fc.integer({ min: 16, max: 44 }),
  seed: fc.integer(),
  x: fc.double({ min: -12, max: 12, noNaN: true }),
  y: fc.double({ min: -8, max: 8, noNaN: true }),
  step: fc.constantFrom(4, 8),
});

function layOut(width: number, height: number, step: number): Blocks {
  return { step, columns: Math.ceil(width / step), rows: Math.ceil(height / step) };
}

function drawVectors(count: number, reach: number, seed: number): Vector[] {
  const random = makeRandom(seed);
  const draw = (): number => Math.round((random() * 2 - 1) * reach);
  return Array.from({ length: count }, () => [draw(), draw()]);
}

describe('halvePlane', () => {
  it.each([8, 10, 16])('gives the bytes of the plain reference for %i bits', (bits) => {
    for (const [width, height] of [
      [16, 16],
      [37, 21],
      [64, 5],
    ] as const) {
      const random = makeRandom(width);
      const count = (2 * width + 1) * (2 * height + 1);
      const values = Array.from({ length: count }, () => Math.floor(random() * 2 ** bits));
      const source: Samples = bits === 8 ? Uint8Array.from(values) : Uint16Array.from(values);
      const expected = halveReference(source, 2 * width + 1, width, height, bits - 8);
      const bytes = new Uint8Array(source.buffer);
      const result = lend(bytes, (at) =>
        lend(new Uint8Array(expected.bytes.length), (target) => {
          const stride = ((2 * width + 1) * bytes.length) / count;
          kernels.halvePlane(
            ...([bits > 8, at, stride, width, height, bits - 8, target + expected.origin] as const),
            expected.stride,
          );
          // Columns between the border and the next row belong to nobody.
          return arena.bytes(target, expected.bytes.length).slice();
        }),
      );
      expect(result).toEqual(expected.bytes);
    }
  });
});

describe('searchBlocks, refineVectors and measureMatch', () => {
  it('find what the plain references find', () => {
    fc.assert(
      fc.property(scene, fc.boolean(), ({ width, height, seed, x, y, step }, hasParents) => {
        const [current, reference] = [
          drawLevel(width, height, seed, 0, 0),
          drawLevel(width, height, seed + 1, x, y),
        ];
        const blocks = layOut(width, height, step);
        const count = blocks.columns * blocks.rows;
        const above = layOut(width >> 1, height >> 1, 8);
        const drawn = drawVectors(above.columns * above.rows, 9, seed);
        const parents = hasParents ? { ...above, vectors: drawn } : null;
        const [found, fine, match] = lend(current.bytes, (a) =>
          lend(reference.bytes, (b) =>
            lend(packVectors(drawn), (parentsAt) =>
              lend(new Uint8Array(4 * count), (at) => {
                const planes = [a + current.origin, b + current.origin, current.stride] as const;
                const grid = [step, blocks.columns, blocks.rows] as const;
                kernels.searchBlocks(
                  ...planes,
                  ...([width, height, ...grid] as const),
                  ...([hasParents ? parentsAt : 0, above.columns, above.rows, 5, 12, at] as const),
                );
                const vectors = readVectors(at, count);
                const results = lend(new Uint8Array(8), (sums) => {
                  if (step === 8) kernels.measureMatch(...planes, blocks.columns, blocks.rows, at, sums);
                  return [...new Int32Array(arena.memory.buffer, sums, 2)];
                });
                kernels.refineVectors(...planes, width, height, ...grid, 60, 2, at);
                return [vectors, readVectors(at, count), results] as const;
              }),
            ),
          ),
        );
        expect(found).toEqual(searchReference(current, reference, blocks, parents, 5, 12));
        expect(fine).toEqual(refineReference(current, reference, blocks, found, 60, 2));
        if (step === 8) expect(match).toEqual(matchReference(current, reference, blocks, found));
      }),
      { numRuns: 60 },
    );
  });
});

describe('checkVectors', () => {
  it('trusts what the plain reference trusts', () => {
    fc.assert(
      fc.property(scene, ({ width, height, seed, step }) => {
        const blocks = layOut(width, height, step);
        const count = blocks.columns * blocks.rows;
        const vectors = drawVectors(count, 200, seed);
        const back = vectors.map(([x, y], i): Vector => [(i % 19) - x, y % 3 === 0 ? -y : 4 - y]);
        const trust = lend(packVectors(vectors), (a) =>
          lend(packVectors(back), (b) =>
            lend(new Uint8Array(2 * count), (at) => {
              kernels.checkVectors(step, blocks.columns, blocks.rows, a, b, 6, 14, at);
              return [...new Int16Array(arena.memory.buffer, at, count)];
            }),
          ),
        );
        expect(trust).toEqual(checkReference(blocks, vectors, back, 6, 14));
      }),
      { numRuns: 100 },
    );
  });
});

describe('warpPlane', () => {
  const filters = computeWarpFilters();
  const filterBytes = new Uint8Array(filters.buffer);

  it('gives the samples of the plain reference', () => {
    const plane = fc.record({
      width: fc.integer({ min: 1, max: 70 }),
      height: fc.integer({ min: 1, max: 40 }),
      bits: fc.constantFrom(8, 10, 12, 16),
      log2Width: fc.integer({ min: 0, max: 2 }),
      log2Height: fc.integer({ min: 0, max: 2 }),
      reach: fc.constantFrom(0, 3, 40, 900),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(plane, ({ width, height, bits, log2Width, log2Height, reach, seed }) => {
        const columns = Math.ceil((width << log2Width) / 8);
        const rows = Math.ceil((height << log2Height) / 8);
        // Neighbours often move alike.
        const vectors = drawVectors(columns * rows, reach, seed).map(
          (v, i, all): Vector => all[i - (i % 3)] ?? v,
        );
        const random = makeRandom(seed);
        const values = Array.from({ length: width * height }, () => Math.floor(random() * 2 ** bits));
        const source: Samples = bits === 8 ? Uint8Array.from(values) : Uint16Array.from(values);
        const bytes = new Uint8Array(source.buffer);
        const result = lend(bytes, (at) =>
          lend(packVectors(vectors), (vectorsAt) =>
            lend(filterBytes, (filtersAt) =>
              lend(bytes, (target) => {
                kernels.warpPlane(
                  ...([bits > 8, at, width, height, log2Width, log2Height, vectorsAt, columns] as const),
                  ...([filtersAt, bits, target] as const),
                );
                return arena.bytes(target, bytes.length).slice();
              }),
            ),
          ),
        );
        const samples = bits === 8 ? result : new Uint16Array(result.buffer);
        const input = { source, width, height, log2Width, log2Height, vectors, columns, filters, bits };
        expect(samples).toEqual(warpReference(input));
      }),
      { numRuns: 200 },
    );
  });

  it('has filters that keep the level and are mirrored', () => {
    for (let phase = 0; phase < 16; phase++) {
      const taps = [...filters.subarray(6 * phase, 6 * phase + 6)];
      expect(taps.reduce((a, b) => a + b)).toBe(64);
      if (phase > 0)
        expect(taps).toEqual([...filters.subarray(6 * (16 - phase), 6 * (16 - phase) + 6)].reverse());
    }
  });
});
