import { readdir, readFile, readlink } from 'node:fs/promises';
import process from 'node:process';

/** Access mode of `open(2)`: the lowest two bits; 0 is reading alone. */
const ACCESS_MODE = 3;

/**
 * Whether some process has one of `files` open for writing, as far as the system can tell: on Linux of the processes that we may look
 * into (proc(5)), elsewhere of none. Absolute paths without symbolic links.
 */
export async function findOpenForWriting(files: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  if (process.platform !== 'linux' || files.size === 0) return found;
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const id of ids) {
    for (const descriptor of await readdir(`/proc/${id}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${id}/fd/${descriptor}`).catch(() => '');
      if (!files.has(target) || found.has(target)) continue;
      const info = await readFile(`/proc/${id}/fdinfo/${descriptor}`, 'utf8').catch(() => '');
      const flags = /^flags:\s*(\d+)/m.exec(info)?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) !== 0) found.add(target);
    }
  }
  return found;
}
