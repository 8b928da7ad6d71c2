import type { Frame } from '../core/frame.ts';

/** A frame of one file and the frame of another that is shown at the same moment. */
export interface FramePair {
  readonly reference: Frame;
  readonly output: Frame;
  /** Number of the output's frame, from 0. */
  readonly index: number;
  /** Seconds after the output's first frame. */
  readonly time: number;
}

export interface PairCounts {
  /** Frames of the output that have a partner. */
  paired: number;
  /** Frames of the output that nothing in the reference is shown with. */
  unpaired: number;
}

export interface PairOptions {
  /** Seconds of one tick of each side's `pts`. */
  readonly referenceTick: number;
  readonly outputTick: number;
  /** Seconds that the output's first frame is shown after the reference's first. @defaultValue 0 */
  readonly offset?: number;
  /** Seconds that partners may lie apart. */
  readonly tolerance: number;
  readonly counts: PairCounts;
}

/**
 * Goes through two files side by side and gives each frame of the output with the reference's that is nearest in time. Owns the frames:
 * those of a pair are valid until the next one is asked for.
 */
export async function* pairFrames(
  referenceFrames: AsyncGenerator<Frame>,
  outputFrames: AsyncGenerator<Frame>,
  { referenceTick, outputTick, offset = 0, tolerance, counts }: PairOptions,
): AsyncGenerator<FramePair> {
  const reference = new NearestFrame(referenceFrames, referenceTick);
  let firstPts: number | undefined;
  let index = 0;
  try {
    for await (const output of outputFrames) {
      try {
        firstPts ??= output.pts;
        const time = (output.pts - firstPts) * outputTick;
        const found = await reference.seek(time + offset);
        if (found !== null && found.distance <= tolerance) {
          counts.paired++;
          yield { reference: found.frame, output, index, time };
        } else {
          counts.unpaired++;
        }
        index++;
      } finally {
        output.dispose();
      }
    }
  } finally {
    await reference.close();
    await outputFrames.return(undefined);
  }
}

/** The frame of a stream that is nearest to a time; times must not go back. */
class NearestFrame {
  readonly #frames: AsyncGenerator<Frame>;
  readonly #tick: number;
  #firstPts: number | undefined;
  #current: Frame | null = null;
  #next: Frame | null = null;
  #isStarted = false;

  constructor(frames: AsyncGenerator<Frame>, tick: number) {
    this.#frames = frames;
    this.#tick = tick;
  }

  async seek(time: number): Promise<{ frame: Frame; distance: number } | null> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#current = await this.#read();
      this.#next = await this.#read();
    }
    while (
      this.#current !== null &&
      this.#next !== null &&
      this.#distance(this.#next, time) < this.#distance(this.#current, time)
    ) {
      this.#current.dispose();
      this.#current = this.#next;
      this.#next = null;
      this.#next = await this.#read();
    }
    const frame = this.#current;
    return frame === null ? null : { frame, distance: this.#distance(frame, time) };
  }

  async close(): Promise<void> {
    this.#current?.dispose();
    this.#next?.dispose();
    this.#current = this.#next = null;
    await this.#frames.return(undefined);
  }

  #distance(frame: Frame, time: number): number {
    return Math.abs((frame.pts - (this.#firstPts ?? 0)) * this.#tick - time);
  }

  async #read(): Promise<Frame | null> {
    const result = await this.#frames.next();
    if (result.done === true) return null;
    this.#firstPts ??= result.value.pts;
    return result.value;
  }
}
