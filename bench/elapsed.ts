/** Seconds since a moment of `performance.now()`. */
export function since(started: number): number {
  return (performance.now() - started) / 1000;
}

/** The middle and the largest of some values; 0 without any. */
export function summarise(values: readonly number[]): { median: number; most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, most: sorted.at(-1) ?? 0 };
}
