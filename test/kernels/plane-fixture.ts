import { Arena } from '../../src/kernels/arena.ts';
import { loadKernels } from '../../src/kernels/kernels.ts';
import { Resampler, type PlaneSize, type ResamplerOptions } from '../../src/kernels/resample.ts';

export type Samples = Uint8Array | Uint16Array;

export const arena = new Arena(24 << 20);
export const kernels = await loadKernels(arena);

/** Runs a resampler over `source`, with guard bytes around both planes that nothing may touch. */
export function resample(source: Samples, options: ResamplerOptions): Samples {
  const resampler = new Resampler({ kernels, arena, ...options });
  const input = placeSamples(source);
  const count = options.to.width * options.to.height;
  const empty = options.to.bits > 8 ? new Uint16Array(count) : new Uint8Array(count);
  const output = placeSamples(empty.fill(0xa5));
  resampler.run(input.at, output.at);
  const result = output.take();
  input.take();
  resampler.dispose();
  return result;
}

const GUARD = 64;

/** Copies samples into the arena between guards; `take` reads them back, checks the guards and frees the block. */
export function placeSamples(samples: Samples): { at: number; take: () => Samples } {
  const block = arena.allocate(samples.byteLength + 2 * GUARD);
  const bytes = arena.bytes(block, samples.byteLength + 2 * GUARD);
  bytes.fill(0x5a);
  bytes.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), GUARD);
  return {
    at: block + GUARD,
    take: () => {
      const isTouched = (at: number): boolean => bytes.subarray(at, at + GUARD).some((byte) => byte !== 0x5a);
      if (isTouched(0) || isTouched(GUARD + samples.byteLength))
        throw new Error('A kernel wrote past its plane.');
      const copy = bytes.slice(GUARD, GUARD + samples.byteLength);
      arena.release(block);
      return samples instanceof Uint16Array ? new Uint16Array(copy.buffer) : copy;
    },
  };
}

/** Deterministic noise over all code values. */
export function makeNoise({ width, height, bits }: PlaneSize, seed: number): Samples {
  return makePlane({ width, height, bits }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    // Extremes come often: they are where clamping and overflow show.
    const top = seed >>> 16;
    return (seed & 0x700) === 0 ? (top & 1) * (2 ** bits - 1) : top >> (16 - bits);
  });
}

export function makePlane(
  { width, height, bits }: PlaneSize,
  value: (x: number, y: number) => number,
): Samples {
  const samples = bits > 8 ? new Uint16Array(width * height) : new Uint8Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) samples[y * width + x] = value(x, y);
  return samples;
}

/** The largest difference between samples that stand in the same place. */
export function findWorst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return worst;
}
