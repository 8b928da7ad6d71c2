import { describe, expect, it } from 'vitest';
import { readDisplayMatrix, readRotation } from '../../src/decode/display-matrix.ts';

/** A matrix as ffprobe prints it: 16.16 fixed point. */
function print(a: number, b: number, c: number, d: number): string {
  const row = (...values: number[]): string =>
    values.map((value) => String(Math.round(value)).padStart(11)).join(' ');
  const one = 65536;
  return `\n00000000: ${row(a * one, b * one, 0)}\n00000001: ${row(c * one, d * one, 0)}\n00000002: ${row(0, 0, 1 << 30)}\n`;
}

describe('readDisplayMatrix', () => {
  it.each([
    ['upright', [1, 0, 0, 1], 0, false],
    ['a quarter clockwise', [0, 1, -1, 0], 90, false],
    ['half', [-1, 0, 0, -1], 180, false],
    ['three quarters', [0, -1, 1, 0], 270, false],
    ['mirrored left to right', [-1, 0, 0, 1], 0, true],
    ['mirrored top to bottom', [1, 0, 0, -1], 180, true],
    ['mirrored along the diagonal', [0, 1, 1, 0], 90, true],
    ['mirrored along the other diagonal', [0, -1, -1, 0], 270, true],
    ['scaled', [2, 0, 0, 0.5], 0, false],
    ['almost a quarter', [0.05, 1, -1, 0.05], 90, false],
    ['empty', [0, 0, 0, 0], 0, false],
  ] as const)('%s', (_, [a, b, c, d], rotation, mirrored) => {
    expect(readDisplayMatrix(print(a, b, c, d))).toEqual({ rotation, mirrored });
  });

  it('takes what it cannot read for upright', () => {
    expect(readDisplayMatrix('')).toEqual({ rotation: 0, mirrored: false });
  });
});

describe('readRotation', () => {
  it.each([
    [0, 0],
    [-90, 90],
    [90, 270],
    [180, 180],
    [-180, 180],
    [-270, 270],
    [450, 270],
    [-89.6, 90],
  ])('%d counter-clockwise is %d clockwise', (angle, rotation) => {
    expect(readRotation(angle)).toEqual({ rotation, mirrored: false });
  });
});
