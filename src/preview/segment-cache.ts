import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

interface Entry {
  readonly file: string;
  readonly bytes: number;
  /** Lower is better. */
  readonly rung: number;
}

/** Finished segments on disk, no more than `limitBytes` together: those that were not asked for longest go first. */
export class SegmentCache {
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #counter = 0;

  constructor(directory: string, limitBytes: number) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether `key` is there, as good as `rung` or better. */
  has(key: string, rung = Number.POSITIVE_INFINITY): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.rung <= rung;
  }

  async read(key: string): Promise<Buffer | null> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return readFile(entry.file).catch(() => null);
  }

  async add(key: string, data: Buffer, rung: number): Promise<void> {
    const file = path.join(this.#directory, `${String(this.#counter++)}.m4s`);
    await writeFile(file, data);
    await this.#remove(key);
    this.#entries.set(key, { file, bytes: data.length, rung });
    this.#bytes += data.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limitBytes || oldest === key) break;
      await this.#remove(oldest);
    }
  }

  async #remove(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    await rm(entry.file, { force: true });
  }
}
