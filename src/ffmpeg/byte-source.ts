import type { Readable } from 'node:stream';
import { UpscaleError } from '../core/errors.ts';

/** Bytes of a stream, pulled: chunks are taken only when wanted, so the pipe's own backpressure bounds the memory. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next byte, or null at the stream's end. */
  async byteOrEnd(): Promise<number | null> {
    while (this.#at >= this.#chunk.length) {
      if (!(await this.#fill())) return null;
    }
    return this.#chunk[this.#at++] ?? null;
  }

  /** A number of seven bits a byte, most significant first. */
  async variable(): Promise<number> {
    let value = 0;
    for (;;) {
      const byte = await this.byteOrEnd();
      if (byte === null) throw new StreamCutShort();
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }

  /** A copy of the next `length` bytes; for headers. */
  async take(length: number): Promise<Buffer> {
    const target = Buffer.alloc(length);
    await this.read(target);
    return target;
  }

  /** Fills `target`. */
  async read(target: Uint8Array): Promise<void> {
    let written = 0;
    while (written < target.length) {
      if (this.#at >= this.#chunk.length && !(await this.#fill())) throw new StreamCutShort();
      const part = this.#chunk.subarray(this.#at, this.#at + target.length - written);
      target.set(part, written);
      written += part.length;
      this.#at += part.length;
    }
  }

  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0) {
      if (this.#at >= this.#chunk.length && !(await this.#fill())) throw new StreamCutShort();
      const part = Math.min(left, this.#chunk.length - this.#at);
      left -= part;
      this.#at += part;
    }
  }

  async #fill(): Promise<boolean> {
    let next: IteratorResult<Buffer>;
    try {
      next = await this.#chunks.next();
    } catch (error) {
      // A destroyed pipe is an end like any other; the process's exit tells which.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
      return false;
    }
    if (next.done === true) return false;
    this.#chunk = next.value;
    this.#at = 0;
    return true;
  }
}

/** The stream ended inside a packet: its process ended early, and its exit tells why. */
export class StreamCutShort extends UpscaleError {
  constructor() {
    super('DECODER_FAILED', "The decoder's stream ended inside a frame.");
  }
}
