import type { Writable } from 'node:stream';
import type { RunningProcess } from '../ffmpeg/process.ts';

/** Bytes of sound that frames may come behind: a minute and a half of it. */
const MOST_KEPT = 16 * 2 ** 20;

/**
 * Carries sound past the frames. It is never held up: a reader that waits for its sound to be taken gives no frames, as before the first key
 * frame, and the writer takes no sound before it has frames. Frames are a second behind at most, and so many samples are little.
 */
export class LiveSound {
  readonly #reader: RunningProcess;
  /** What came before there was a writer. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #to: Writable | null = null;
  #hasEnded = false;

  constructor(reader: RunningProcess) {
    this.#reader = reader;
    reader.output?.on('data', (chunk: Buffer) => this.#take(chunk));
    reader.output?.on('end', () => {
      this.#hasEnded = true;
      this.#to?.end();
    });
  }

  carryTo(writer: RunningProcess): void {
    const to = writer.extra;
    if (to === null) return;
    to.on('error', () => undefined);
    for (const chunk of this.#kept.splice(0)) to.write(chunk);
    if (this.#hasEnded) to.end();
    this.#to = to;
  }

  #take(chunk: Buffer): void {
    if (this.#to !== null) {
      if (this.#to.writable) this.#to.write(chunk);
      return;
    }
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    // Sound alone comes: without frames there is nothing to wait for.
    if (this.#keptBytes > MOST_KEPT) void this.#reader.stop();
  }
}
