const PHASES = 16;
const TAPS = 6;
const UNIT = 64;
/** Taps before the sample itself. */
const BEFORE = 2;

/**
 * Filters that move a picture by sixteenths of a sample: a sinc under a Lanczos window of 6 taps, in integers that sum up to 64. 16 phases of 6.
 */
export function computeWarpFilters(): Int16Array {
  const filters = new Int16Array(PHASES * TAPS);
  for (let phase = 0; phase < PHASES; phase++) {
    const taps = Array.from({ length: TAPS }, (_, k) => lanczos(k - BEFORE - phase / PHASES));
    const sum = taps.reduce((a, b) => a + b);
    const rounded = taps.map((tap) => Math.round((tap / sum) * UNIT));
    // What rounding lost goes to the largest.
    const largest = rounded.indexOf(Math.max(...rounded));
    rounded[largest] = (rounded[largest] ?? 0) + UNIT - rounded.reduce((a, b) => a + b);
    filters.set(rounded, phase * TAPS);
  }
  return filters;
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  const reach = TAPS / 2;
  return Math.abs(x) < reach ? sinc(x) * sinc(x / reach) : 0;
}

function sinc(x: number): number {
  return Math.sin(Math.PI * x) / (Math.PI * x);
}
