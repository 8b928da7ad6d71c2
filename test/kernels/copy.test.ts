/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is in range by construction */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyPadded, copyRect } from '../../src/kernels/copy.ts';
import { kernels, makeNoise, makePlane, placeSamples } from './plane-fixture.ts';

const side = fc.integer({ min: 1, max: 40 });
const bits = fc.constantFrom(8, 10);

describe('copyRect', () => {
  it('copies the rectangle and nothing else', () => {
    const span = fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 20 }), fc.nat(20), fc.nat(20));
    fc.assert(
      fc.property(span, span, bits, ([x, width, right, atX], [y, height, below, atY], depth) => {
        const from = { width: x + width + right, height: y + height + below, bits: depth };
        const to = { width: atX + width + 3, height: atY + height + 2, bits: depth };
        const source = makeNoise(from, 1);
        const target = makeNoise(to, 2);
        const [input, output] = [placeSamples(source), placeSamples(target)];
        copyRect(
          kernels,
          { offset: input.at, ...from },
          { x, y, width, height },
          { offset: output.at, ...to },
          { x: atX, y: atY },
          depth > 8 ? 2 : 1,
        );
        input.take();
        const isInside = (i: number, j: number): boolean =>
          i >= atX && i < atX + width && j >= atY && j < atY + height;
        const expected = makePlane(to, (i, j) =>
          isInside(i, j) ? source[(y + j - atY) * from.width + x + i - atX]! : target[j * to.width + i]!,
        );
        expect(output.take()).toEqual(expected);
      }),
    );
  });
});

describe('copyPadded', () => {
  it('repeats the last column and row', () => {
    fc.assert(
      fc.property(side, side, fc.nat(20), fc.nat(20), bits, (width, height, right, below, depth) => {
        const from = { width, height, bits: depth };
        const to = { width: width + right, height: height + below, bits: depth };
        const source = makeNoise(from, 5);
        const [input, output] = [placeSamples(source), placeSamples(makeNoise(to, 6))];
        copyPadded(
          kernels,
          { offset: input.at, width, height },
          { offset: output.at, width: to.width, height: to.height },
          depth > 8 ? 2 : 1,
        );
        input.take();
        const expected = makePlane(
          to,
          (x, y) => source[Math.min(y, height - 1) * width + Math.min(x, width - 1)]!,
        );
        expect(output.take()).toEqual(expected);
      }),
    );
  });
});
