import type { LumaPlane } from '../src/measure/luma-plane.ts';

/** Numbers from 0 to 1 that are the same everywhere (mulberry32). */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Gaussian numbers of standard deviation 1 (Box and Muller). */
export function makeGaussian(seed: number): () => number {
  const random = makeRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Adds Gaussian noise of standard deviation `sigma`. */
export function addNoise(plane: LumaPlane, sigma: number, noise: () => number): LumaPlane {
  const samples = new Uint8ClampedArray(plane.samples.length);
  plane.samples.forEach((value, i) => (samples[i] = value + sigma * noise()));
  return { ...plane, samples: new Uint8Array(samples.buffer) };
}
