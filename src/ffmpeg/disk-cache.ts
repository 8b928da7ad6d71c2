import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Where Upreel keeps what it can find out again: `$XDG_CACHE_HOME/upreel`, or the system's like. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const base =
    (env['XDG_CACHE_HOME'] || undefined) ??
    (process.platform === 'win32'
      ? env['LOCALAPPDATA']
      : process.platform === 'darwin'
        ? path.join(os.homedir(), 'Library', 'Caches')
        : undefined) ??
    path.join(os.homedir(), '.cache');
  return path.join(base, 'upreel');
}

/**
 * Gives what `compute` found out about the program at `file`, from disk when that same file (path, size, time of change) was asked
 * before. A cache that cannot be read or written costs time only.
 */
export async function cacheByFile<T>(topic: string, file: string, compute: () => Promise<T>): Promise<T> {
  const { size, mtimeMs } = await stat(file);
  return cacheByKey(topic, [file, size, mtimeMs], compute);
}

/** Gives what `compute` found out about `key`, any JSON, from disk when it was asked before. */
export async function cacheByKey<T>(topic: string, key: unknown, compute: () => Promise<T>): Promise<T> {
  const hash = createHash('sha256')
    .update(JSON.stringify([topic, ...(Array.isArray(key) ? (key as unknown[]) : [key])]))
    .digest('hex');
  const entry = path.join(cacheDirectory(), `${topic}-${hash.slice(0, 32)}.json`);
  try {
    return (JSON.parse(await readFile(entry, 'utf8')) as { value: T }).value;
  } catch {
    const value = await compute();
    // A home that is read-only: ask again next time.
    await writeWhole(entry, JSON.stringify({ value })).catch(() => undefined);
    return value;
  }
}

/** Writes a file so that it appears whole or not at all, and its folder where there is none. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** What a process left behind when it was killed while it wrote. */
const STALE_MS = 60 * 60 * 1000;

/**
 * Removes the files of `directory` that were not touched for longest until the rest takes `mostBytes` at most, and what was left half
 * written. Files younger than `youngestMs` stay whatever they take.
 */
export async function limitFolder(directory: string, mostBytes: number, youngestMs = 0): Promise<void> {
  const found = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const file = path.join(directory, name);
      const facts = await stat(file).catch(() => null);
      return facts === null ? [] : [{ file, bytes: facts.size, age: Date.now() - facts.mtimeMs }];
    }),
  );
  let total = 0;
  for (const { file, bytes, age } of found.flat().sort((a, b) => a.age - b.age)) {
    total += bytes;
    const isStale = file.endsWith('.tmp') && age > STALE_MS;
    if (isStale || (total > mostBytes && age > youngestMs)) await rm(file, { force: true });
  }
}
