/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is in range by construction */
import type { Samples } from './clip-fixture.ts';
import type { Vector } from './motion-reference.ts';

export interface WarpInput {
  readonly source: Samples;
  readonly width: number;
  readonly height: number;
  readonly log2Width: number;
  readonly log2Height: number;
  readonly vectors: readonly Vector[];
  readonly columns: number;
  /** 16 phases of 6 taps. */
  readonly filters: Int16Array;
  readonly bits: number;
}

/** What the `warpPlane` kernel must give: rows first, then columns, rounded after each. */
export function warpReference(input: WarpInput): Samples {
  const { source, width, height, log2Width, log2Height, vectors, columns, bits } = input;
  const result = source.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [blockX, blockY] = [x >> (3 - log2Width), y >> (3 - log2Height)];
      const [lumaX, lumaY] = vectors[blockY * columns + blockX]!;
      const [vx, vy] = [(2 * lumaX) >> log2Width, (2 * lumaY) >> log2Height];
      const [fromX, fromY] = [x + (vx >> 4), y + (vy >> 4)];
      const isStill = (vx & 15) === 0 && (vy & 15) === 0;
      result[y * width + x] = isStill
        ? readSample(input, fromX, fromY)
        : filter(input, fromX, fromY, vx & 15, vy & 15, bits);
    }
  }
  return result;
}

function filter(input: WarpInput, x: number, y: number, across: number, down: number, bits: number): number {
  const { filters } = input;
  const up = 16 - bits;
  let sum = 0;
  for (let j = 0; j < 6; j++) {
    let row = 0;
    for (let i = 0; i < 6; i++) {
      const sample = readSample(input, x + i - 2, y + j - 2);
      row += filters[6 * across + i]! * (bits === 8 ? sample : sample * 2 ** up - 0x8000);
    }
    sum += filters[6 * down + j]! * (bits === 8 ? row : saturate((row + 32) >> 6));
  }
  if (bits === 8) return Math.min(Math.max((sum + 2048) >> 12, 0), 255);
  const full = saturate((sum + 32) >> 6) + 0x8000;
  return up === 0 ? full : Math.min(full + 2 ** (up - 1), 0xffff) >> up;
}

function saturate(value: number): number {
  return Math.min(Math.max(value, -0x8000), 0x7fff);
}

function readSample({ source, width, height }: WarpInput, x: number, y: number): number {
  const clamp = (at: number, length: number): number => Math.min(Math.max(at, 0), length - 1);
  return source[clamp(y, height) * width + clamp(x, width)]!;
}
