import type { SourceFrames } from './compare-pictures.ts';
import type { Picture } from './read-pictures.ts';

/** The source's pictures in order, with one before and one after the one that is asked for. Never goes back. */
export class SourceWindow {
  readonly #frames: AsyncGenerator<Picture>;
  #previous: Picture | null = null;
  #current: Picture | null = null;
  #next: Picture | null = null;
  #index = -1;
  #started: Promise<void> | null = null;
  /** Times of all frames read so far. */
  readonly times: number[] = [];

  constructor(frames: AsyncGenerator<Picture>) {
    this.#frames = frames;
  }

  /** Time of the first frame; 0 when there is none. May be called first to read it while something else is done. */
  async firstTime(): Promise<number> {
    await this.#start();
    return this.times[0] ?? 0;
  }

  /** Goes on to the frame that is shown at `time`; null when none is yet. */
  async seekTime(time: number): Promise<SourceFrames | null> {
    await this.#start();
    while (this.#next !== null && this.#next.time <= time) await this.#step();
    return this.#view();
  }

  /** Goes on to the frame numbered `index`; null when there is none. */
  async seekIndex(index: number): Promise<SourceFrames | null> {
    await this.#start();
    while (this.#next !== null && this.#index < index) await this.#step();
    return this.#index === index ? this.#view() : null;
  }

  /** Reads the rest, for its number and times. */
  async drain(): Promise<void> {
    await this.#start();
    while ((await this.#read()) !== null) continue;
  }

  async close(): Promise<void> {
    await this.#frames.return(undefined);
  }

  #view(): SourceFrames | null {
    if (this.#current === null) return null;
    return {
      previous: this.#previous?.samples ?? null,
      current: this.#current.samples,
      next: this.#next?.samples ?? null,
    };
  }

  #start(): Promise<void> {
    this.#started ??= this.#read().then((frame) => {
      this.#next = frame;
    });
    return this.#started;
  }

  async #step(): Promise<void> {
    this.#previous = this.#current;
    this.#current = this.#next;
    this.#next = await this.#read();
    this.#index++;
  }

  async #read(): Promise<Picture | null> {
    const result = await this.#frames.next();
    if (result.done === true) return null;
    this.times.push(result.value.time);
    return result.value;
  }
}
