/** One way to make frames: what is stepped down to when the machine does not keep up. */
export interface Rung {
  /** Name or path, as `--model` takes it. */
  readonly model: string;
  readonly chroma: 'auto' | 'filter';
  readonly halfRate: boolean;
}

/** Rungs for models from the most to the least work; the plain filter and every other frame stand at the end. Pure. */
export function listRungs(
  models: readonly { readonly id: string; readonly flopsPerSample: number }[],
  chroma: Rung['chroma'],
): Rung[] {
  const ordered = [...models].sort((a, b) => b.flopsPerSample - a.flopsPerSample);
  const rungs = ordered.map(({ id }): Rung => ({ model: id, chroma, halfRate: false }));
  const cheapest = ordered.at(-1);
  if (cheapest !== undefined && chroma === 'auto') {
    rungs.push({ model: cheapest.id, chroma: 'filter', halfRate: false });
  }
  const plain: Rung = { model: 'lanczos', chroma: 'filter', halfRate: false };
  return [...rungs, plain, { ...plain, halfRate: true }];
}

/** Speed below which something has to change. Real time is 1. */
const FAST_ENOUGH = 1;
/** What a rung must promise to be chosen, and to be climbed up to. */
export const RESERVE = 1.1;
const RESERVE_TO_CLIMB = 1.3;
/** Seconds before a rung that was too slow is tried again; doubled each time. */
const PATIENCE = 20;
const MOST_PATIENCE = 320;
/** Weight of the newest segment in the average. */
const WEIGHT = 0.35;
/** Segments that a judgement rests on. */
const ENOUGH = 2;

/**
 * Chooses the best rung that keeps real time. Work is counted in seconds of one lane for a second of video, which does not depend on how
 * many lanes happen to be busy; what was never run is estimated from what was, by how much more work it should be.
 */
export class Ladder {
  readonly #estimates: readonly number[];
  readonly #lanes: number;
  readonly #now: () => number;
  readonly #measured: (number | null)[];
  readonly #blockedUntil: number[];
  readonly #patience: number[];
  #current: number;
  #seen = 0;

  /** @param estimates - Of each rung's work, best first, in any unit that all share */
  constructor(
    estimates: readonly number[],
    lanes: number,
    now: () => number = () => performance.now() / 1000,
  ) {
    this.#estimates = estimates;
    this.#lanes = lanes;
    this.#now = now;
    this.#measured = estimates.map(() => null);
    this.#blockedUntil = estimates.map(() => 0);
    this.#patience = estimates.map(() => PATIENCE);
    this.#current = 0;
  }

  get current(): number {
    return this.#current;
  }

  /** Times real time that a rung runs at: measured, else estimated; null before anything was measured. */
  speedOf(rung: number): number | null {
    const work = this.#workOf(rung);
    return work === null ? null : this.#lanes / work;
  }

  /** Begins on `rung`, or on the last one where it is -1; before anything was measured. */
  start(rung: number): void {
    this.#current = rung === -1 ? this.#estimates.length - 1 : rung;
  }

  /** Goes to the best rung that promises real time and a reserve; the last one where none does. */
  choose(): number {
    const found = this.#estimates.findIndex((_, rung) => (this.speedOf(rung) ?? 0) >= RESERVE);
    this.#current = found === -1 ? this.#estimates.length - 1 : found;
    this.#seen = 0;
    return this.#current;
  }

  /** Takes in a finished segment; says whether another rung is taken from now on. */
  record(rung: number, laneSeconds: number, videoSeconds: number): boolean {
    const work = laneSeconds / Math.max(1e-6, videoSeconds);
    const before = this.#measured[rung] ?? null;
    this.#measured[rung] = before === null ? work : before + WEIGHT * (work - before);
    if (rung !== this.#current) return false;
    this.#seen++;
    if (this.#seen < ENOUGH) return false;
    return this.#stepDown() || this.#stepUp();
  }

  #stepDown(): boolean {
    const from = this.#current;
    if ((this.speedOf(from) ?? FAST_ENOUGH) >= FAST_ENOUGH || from === this.#estimates.length - 1)
      return false;
    this.#blockedUntil[from] = this.#now() + (this.#patience[from] ?? PATIENCE);
    this.#patience[from] = Math.min(MOST_PATIENCE, 2 * (this.#patience[from] ?? PATIENCE));
    this.#current = from + 1;
    this.#seen = 0;
    return true;
  }

  #stepUp(): boolean {
    const to = this.#current - 1;
    if (to < 0 || this.#now() < (this.#blockedUntil[to] ?? 0)) return false;
    // What was measured when the machine had other things to do says little by now.
    const relative = (this.#estimates[to] ?? 1) / (this.#estimates[this.#current] ?? 1);
    const work = (this.#measured[this.#current] ?? Number.POSITIVE_INFINITY) * relative;
    if (this.#lanes / work < RESERVE_TO_CLIMB) return false;
    this.#measured[to] = null;
    this.#current = to;
    this.#seen = 0;
    return true;
  }

  #workOf(rung: number): number | null {
    const own = this.#measured[rung] ?? null;
    if (own !== null) return own;
    // The nearest rung that was measured tells most.
    const known = this.#measured
      .map((work, i) => ({ work, i }))
      .filter((entry): entry is { work: number; i: number } => entry.work !== null)
      .sort((a, b) => Math.abs(a.i - rung) - Math.abs(b.i - rung))[0];
    if (known === undefined) return null;
    return (known.work * (this.#estimates[rung] ?? 1)) / (this.#estimates[known.i] ?? 1);
  }
}
