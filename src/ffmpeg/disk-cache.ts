import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
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
  const key = createHash('sha256')
    .update(JSON.stringify([topic, file, size, mtimeMs]))
    .digest('hex');
  const entry = path.join(cacheDirectory(), `${topic}-${key.slice(0, 32)}.json`);
  try {
    return (JSON.parse(await readFile(entry, 'utf8')) as { value: T }).value;
  } catch {
    const value = await compute();
    try {
      await mkdir(path.dirname(entry), { recursive: true });
      const temporary = `${entry}.${randomUUID()}.tmp`;
      await writeFile(temporary, JSON.stringify({ value }));
      await rename(temporary, entry);
    } catch {
      // Read-only home: ask the program again next time.
    }
    return value;
  }
}
