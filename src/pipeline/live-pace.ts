/** Seconds behind the source at which frames are left out, and those at which that stops. */
const MOST_LAG = 0.4;
const ENOUGH_LAG = 0.15;
/** Seconds that the share of dropped frames is taken over, and the share above which something cheaper is taken. */
const JUDGED_SECONDS = 4;
const MOST_DROPPED = 0.1;

/** Share of a frame's distance to the one before that has to be waited for it, for it to be the newest there is. */
const WAITED = 0.5;

/**
 * Keeps a live stream from falling behind. How far behind a frame is follows from when it came, compared with the last one that had to be
 * waited for: no clock of the source is needed, and a source that is late itself is not held against us.
 */
export class LivePace {
  readonly #now: () => number;
  #newest = Number.POSITIVE_INFINITY;
  #before = 0;
  #isCatchingUp = false;
  #lag = 0;
  #frames = 0;
  #dropped = 0;
  #windowStart: number | null = null;
  #windowFrames = 0;
  #windowDropped = 0;

  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
  }

  /** Seconds behind the source. */
  get lag(): number {
    return this.#lag;
  }

  get frames(): number {
    return this.#frames;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Whether the frame of time `seconds`, which has just come after it was waited for so long, is to be shown. */
  admit(seconds: number, waitedSeconds: number): boolean {
    const offset = this.#now() - seconds;
    const isNewest = waitedSeconds > WAITED * Math.max(0.001, seconds - this.#before);
    this.#before = seconds;
    this.#newest = isNewest ? offset : Math.min(this.#newest, offset);
    this.#lag = offset - this.#newest;
    this.#isCatchingUp = this.#isCatchingUp ? this.#lag > ENOUGH_LAG : this.#lag > MOST_LAG;
    this.#frames++;
    this.#windowFrames++;
    if (this.#isCatchingUp) {
      this.#dropped++;
      this.#windowDropped++;
    }
    return !this.#isCatchingUp;
  }

  /** Whether so many frames were left out lately that something cheaper should make them; asking starts a new count. */
  isTooSlow(): boolean {
    const now = this.#now();
    this.#windowStart ??= now;
    if (now - this.#windowStart < JUDGED_SECONDS) return false;
    const share = this.#windowDropped / Math.max(1, this.#windowFrames);
    this.#windowStart = now;
    this.#windowFrames = 0;
    this.#windowDropped = 0;
    return share > MOST_DROPPED;
  }
}
