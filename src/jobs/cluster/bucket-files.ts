import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UpscaleError } from '../../core/errors.ts';
import { isLocked, takeLock } from '../../pipeline/work-lock.ts';
import { RangeServer } from './range-server.ts';
import { S3Bucket } from './s3-bucket.ts';
import { checkKey, type StoreFiles } from './store-files.ts';

const SCRATCH = 'upreel-store-';
const LOCK = 'lock';
/** Readers ask for all up to the end and go when they have seen enough: blocks are small at first and grow while they stay. */
const FIRST_BLOCK_BYTES = 1 << 20;
const LARGEST_BLOCK_BYTES = 8 << 20;
/** A scratch folder without a lock that is younger may be about to get one. */
const YOUNG_MS = 60_000;

/**
 * A store that is a bucket of S3, or the part of one below a prefix. Sources are read by range through an address on loopback; what is made
 * here lies in a folder of the system's temporary ones until it is uploaded, and what a killed process left there is removed by the next.
 */
export class BucketFiles implements StoreFiles {
  readonly text: string;
  readonly takesFiles = true;
  readonly #bucket: S3Bucket;
  readonly #server: RangeServer;
  readonly #scratch: string;
  /** What was offered: by key, with the content's mark, and by address. */
  readonly #offers = new Map<string, { readonly etag: string; readonly address: string }>();
  readonly #keys = new Map<string, string>();

  private constructor(text: string, bucket: S3Bucket, server: RangeServer, scratch: string) {
    this.text = text;
    this.#bucket = bucket;
    this.#server = server;
    this.#scratch = scratch;
  }

  /** Opens `s3://BUCKET/PREFIX`. Throws `USAGE` for an address that is none, `STORE_UNUSABLE` for a bucket that cannot be listed. */
  static async open(address: string): Promise<BucketFiles> {
    const [, name = '', prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(address) ?? [];
    const key = prefix.replace(/\/+$/, '');
    if (name === '' || (key !== '' && checkKey(key) === null)) {
      throw new UpscaleError('USAGE', `${address} is no address of a bucket.`, {
        hint: 'Write it as s3://BUCKET/PREFIX.',
      });
    }
    const bucket = new S3Bucket(name, key);
    // The first page tells whether it is there and may be read.
    await bucket.list('').next();
    await removeStale();
    const scratch = await realpath(await mkdtemp(path.join(os.tmpdir(), SCRATCH)));
    await takeLock(path.join(scratch, LOCK));
    const server = await RangeServer.start();
    // ffmpeg would ask a proxy for this machine's own addresses.
    process.env['no_proxy'] = [process.env['no_proxy'] ?? '', server.host].filter(Boolean).join(',');
    return new BucketFiles(`s3://${key === '' ? name : `${name}/${key}`}`, bucket, server, scratch);
  }

  async locate(name: string): Promise<string> {
    const within = [`${this.text}/`, `${this.#places}${path.sep}`].find((start) => name.startsWith(start));
    const key =
      within === undefined ? this.#keys.get(name) : name.slice(within.length).replaceAll(path.sep, '/');
    if (key === undefined || checkKey(key) === null) {
      throw new UpscaleError('STORE_UNUSABLE', `${name} does not lie in the store ${this.text}.`, {
        hint: `Name it as ${this.text}/NAME.`,
      });
    }
    return Promise.resolve(key);
  }

  describe(key: string): string {
    return `${this.text}/${key}`;
  }

  async place(key: string): Promise<string> {
    return Promise.resolve(path.join(this.#places, ...(await this.locate(this.describe(key))).split('/')));
  }

  async open(key: string): Promise<string> {
    const found = await this.#bucket.head(await this.locate(this.describe(key)));
    if (found === null) {
      throw new UpscaleError('SOURCE_NOT_FOUND', `There is no ${this.describe(key)}.`, {
        hint: 'Check the name.',
      });
    }
    const { size, etag, modifiedMs } = found;
    const known = this.#offers.get(key);
    if (known?.etag === etag) return known.address;
    const address = this.#server.offer({
      ...{ name: path.posix.basename(key), size, modifiedMs },
      read: (start, end, signal) => this.#readBlocks(key, { start, end, etag }, signal),
    });
    this.#offers.set(key, { etag, address });
    this.#keys.set(address, key);
    return address;
  }

  async exists(key: string): Promise<boolean> {
    return (await this.#bucket.head(key)) !== null;
  }

  async list(key: string): Promise<string[]> {
    const start = key === '' ? '' : `${key}/`;
    const names: string[] = [];
    for await (const { key: found } of this.#bucket.list(start)) names.push(found.slice(start.length));
    return names;
  }

  async readText(key: string): Promise<string | null> {
    const found = await this.#bucket.head(key);
    if (found === null) return null;
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#bucket.read(key, { start: 0, end: found.size - 1, etag: found.etag }))
      chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  async writeText(key: string, text: string): Promise<void> {
    await this.#bucket.put(key, text);
  }

  async send(file: string, key: string): Promise<void> {
    await this.#bucket.upload(file, key, { isNew: false });
  }

  async keep(made: string, key: string): Promise<void> {
    for (const name of await listFiles(made)) {
      await this.#bucket.upload(path.join(made, name), name === '' ? key : `${key}/${name}`, {
        isNew: false,
      });
    }
    await rm(made, { recursive: true, force: true });
  }

  async fetch(key: string, folder: string): Promise<string> {
    const target = path.join(folder, path.posix.basename(key));
    if (await this.exists(key)) {
      await this.#download(key, target);
      return target;
    }
    let isThere = false;
    for await (const { key: part } of this.#bucket.list(`${key}/`)) {
      const name = checkKey(part.slice(key.length + 1));
      if (name !== null) await this.#download(part, path.join(target, name));
      isThere = true;
    }
    if (!isThere) throw new UpscaleError('SOURCE_NOT_FOUND', `${this.describe(key)} is gone from the store.`);
    return target;
  }

  async publish(key: string, { overwrite }: { readonly overwrite: boolean }): Promise<void> {
    const made = await this.#listMade(key);
    for (const { file, target } of made) {
      // Of pictures that an earlier try sent nobody keeps a record.
      const isPart = made.length > 1 && !overwrite;
      const isSent = isPart && (await this.#bucket.head(target))?.size === (await stat(file)).size;
      if (!isSent) await this.#bucket.upload(file, target, { isNew: !overwrite });
    }
  }

  async release(key: string): Promise<void> {
    for (const { file } of await this.#listMade(key)) await rm(file, { force: true });
  }

  async remove(folder: string): Promise<void> {
    await this.#bucket.remove(`${folder}/`);
    await rm(await this.place(folder), { recursive: true, force: true });
  }

  async makeScratch(key: string, prefix: string): Promise<string> {
    const folder = await this.place(key);
    await mkdir(folder, { recursive: true });
    return mkdtemp(path.join(folder, prefix));
  }

  rename(text: string): string {
    let renamed = text.replaceAll(`${this.#places}${path.sep}`, `${this.text}/`);
    for (const [address, key] of this.#keys) renamed = renamed.replaceAll(address, this.describe(key));
    return renamed;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#bucket.close();
    await rm(this.#scratch, { recursive: true, force: true });
  }

  /** The bucket's files that are made here, or on their way. */
  get #places(): string {
    return path.join(this.#scratch, 'files');
  }

  /** The files that were made at the place of `key`: one, those of a folder, or those of a pattern of pictures. */
  async #listMade(key: string): Promise<{ readonly file: string; readonly target: string }[]> {
    const made = await this.place(key);
    const [, before, after = ''] = /^(.*?)%0?\d*d(.*)$/.exec(path.basename(made)) ?? [];
    if (before === undefined) {
      return (await listFiles(made)).map((name) => ({
        file: path.join(made, name),
        target: name === '' ? key : `${key}/${name}`,
      }));
    }
    return (await listFiles(path.dirname(made)))
      .filter((name) => !name.includes('/') && name.startsWith(before) && name.endsWith(after))
      .map((name) => ({
        file: path.join(path.dirname(made), name),
        target: path.posix.join(path.posix.dirname(key), name),
      }));
  }

  /** Whole blocks, so that no connection waits for a slow reader. */
  async *#readBlocks(
    key: string,
    { start, end, etag }: { readonly start: number; readonly end: number; readonly etag: string },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let bytes = FIRST_BLOCK_BYTES;
    for (let at = start; at <= end; at += bytes, bytes = Math.min(2 * bytes, LARGEST_BLOCK_BYTES)) {
      const last = Math.min(end, at + bytes - 1);
      const chunks: Uint8Array[] = [];
      for await (const chunk of this.#bucket.read(key, { start: at, end: last, etag }, signal))
        chunks.push(chunk);
      yield* chunks;
    }
  }

  async #download(key: string, target: string): Promise<void> {
    const found = await this.#bucket.head(key);
    if (found === null) {
      throw new UpscaleError('SOURCE_NOT_FOUND', `${this.describe(key)} is gone from the store.`);
    }
    await mkdir(path.dirname(target), { recursive: true });
    const { size, etag } = found;
    await pipeline(
      Readable.from(this.#bucket.read(key, { start: 0, end: size - 1, etag })),
      createWriteStream(target),
    );
  }
}

/** The files below `made`, relative to it; one without a name where it is a file itself; none where there is nothing. */
async function listFiles(made: string): Promise<string[]> {
  const facts = await stat(made).catch(() => null);
  if (facts?.isDirectory() !== true) return facts === null ? [] : [''];
  const entries = await readdir(made, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(made, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
}

/** Removes the scratch folders of processes that are gone. */
async function removeStale(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(SCRATCH)) continue;
    const folder = path.join(os.tmpdir(), name);
    const age = Date.now() - ((await stat(folder).catch(() => null))?.mtimeMs ?? Date.now());
    if (age < YOUNG_MS || (await isLocked(path.join(folder, LOCK)))) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
