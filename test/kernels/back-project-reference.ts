import type { Samples } from './plane-fixture.ts';

/** What `subtractWords` must give bit for bit. */
export function subtractPlainly(a: Uint16Array, b: Uint16Array): Uint16Array {
  return a.map((value, i) => Math.min(Math.max(32768 + value - (b[i] ?? 0), 0), 65535));
}

/** What `addErrorWords` must give bit for bit. */
export function addErrorsPlainly(
  samples: Samples,
  errors: Uint16Array,
  weight: number,
  limit: number,
): Samples {
  const f = Math.fround;
  return samples.map((value, i) => {
    const error = f(f((errors[i] ?? 0) - 32768) * f(weight));
    const sum = Math.min(Math.max(f(value + error), 0), limit);
    return Math.floor(f(sum + 0.5));
  });
}
