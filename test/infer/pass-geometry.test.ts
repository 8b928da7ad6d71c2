import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelFacts } from '../../src/infer/infer-plan.ts';
import { layOutPass, tileBorder, tileGrid } from '../../src/infer/pass-geometry.ts';

const MODEL = {
  multiple: 2,
  receptiveRadius: 6,
  scale: 2,
  fixedWidth: null,
  fixedHeight: null,
} as ModelFacts;

describe('layOutPass', () => {
  it('cuts no more than its borders ask for', () => {
    const { rows, tile } = layOutPass(MODEL, { width: 1920, height: 1080 }, { width: 1920, height: 644 });
    expect(rows).toHaveLength(2);
    expect(tile).toEqual({ width: 1920, height: 552 });
  });

  it('covers each sample once, with hardly more than each border twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (height, limit) => {
        const { rows, tile } = layOutPass(MODEL, { width: 64, height }, { width: 64, height: limit });
        expect(rows.map(({ from }) => from)).toEqual([0, ...rows.slice(0, -1).map(({ to }) => to)]);
        expect(rows.at(-1)?.to).toBe(height);
        const waste = rows.length * tile.height - height - 2 * tileBorder(MODEL) * (rows.length - 1);
        expect(waste).toBeLessThanOrEqual(rows.length * 2 * tileGrid(MODEL));
      }),
    );
  });
});
