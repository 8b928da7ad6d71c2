import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory, limitFolder, writeWhole } from '../ffmpeg/disk-cache.ts';

/** Bytes that all kept graphs may take together; those that were not used for longest go first. */
const MOST_BYTES = 512 * 1024 * 1024;
const DIGEST_BYTES = 32;

/**
 * Graphs on disk that can be made again: each a file of its own, the sha256 of the bytes before the bytes. What is damaged counts as
 * missing and is written anew. Several processes may read and write at once, since files appear and go whole.
 */
export class GraphCache {
  readonly directory: string;
  readonly #mostBytes: number;

  constructor(directory = path.join(cacheDirectory(), 'graphs'), mostBytes = MOST_BYTES) {
    this.directory = directory;
    this.#mostBytes = mostBytes;
  }

  /** The bytes kept under `key`, or null. */
  async read(key: string): Promise<Uint8Array | null> {
    const file = this.#pathOf(key);
    try {
      const whole = await readFile(file);
      const bytes = whole.subarray(DIGEST_BYTES);
      if (!digest(bytes).equals(whole.subarray(0, DIGEST_BYTES))) {
        await this.forget(key);
        return null;
      }
      const now = new Date();
      await utimes(file, now, now).catch(() => undefined);
      return bytes;
    } catch {
      return null;
    }
  }

  /** A place beside the kept graphs that `keep` takes from, or null where nothing can be written. */
  async makeRoom(): Promise<string | null> {
    try {
      await mkdir(this.directory, { recursive: true });
      return path.join(this.directory, `${randomUUID()}.tmp`);
    } catch {
      return null;
    }
  }

  /** Keeps the graph in the file `written` under `key` and removes that file. A disk that is full or read-only costs time only. */
  async keep(key: string, written: string): Promise<void> {
    try {
      const bytes = await readFile(written);
      if (bytes.byteLength + DIGEST_BYTES > this.#mostBytes) return;
      await writeWhole(this.#pathOf(key), Buffer.concat([digest(bytes), bytes]));
      await rm(written);
      await limitFolder(this.directory, this.#mostBytes);
    } catch {
      // The graph is made again next time.
    } finally {
      await rm(written, { force: true }).catch(() => undefined);
    }
  }

  async forget(key: string): Promise<void> {
    await rm(this.#pathOf(key), { force: true }).catch(() => undefined);
  }

  #pathOf(key: string): string {
    return path.join(this.directory, `${key}.graph`);
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
