import { randomBytes } from 'node:crypto';
import { copyFile, link, open, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';

/**
 * Gives a finished file its name: renames, or where nothing may be replaced links. Throws `OUTPUT_EXISTS`.
 */
export async function moveIntoPlace(from: string, to: string, overwrite: boolean): Promise<void> {
  const near = await bringNear(from, to);
  if (overwrite) await rename(near, to);
  else await linkIntoPlace(near, to);
  await rm(near, { force: true });
}

/** Copies a file that lies on another file system beside its target, under a name of its own. */
async function bringNear(from: string, to: string): Promise<string> {
  const { dir, name, ext } = path.parse(to);
  const [here, there] = await Promise.all([stat(from), stat(dir)]);
  if (here.dev === there.dev) return from;
  const near = path.join(dir, `.${name.slice(0, 80)}.${randomBytes(4).toString('hex')}.part${ext}`);
  try {
    await copyFile(from, near);
    await utimes(near, here.atime, here.mtime);
    await flush(near);
  } catch (error) {
    await rm(near, { force: true });
    throw error;
  }
  return near;
}

/** Gives `from` the name `to` and replaces nothing: unlike a check before a rename, a link cannot lose a race. `from` may keep its name too. */
export async function linkIntoPlace(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const existing = await stat(to).catch(() => null);
    const own = await stat(from);
    // A run that was cut off here came as far as this.
    if (existing !== null && existing.ino === own.ino && existing.dev === own.dev) return;
    if (existing !== null) {
      throw new UpscaleError(
        'OUTPUT_EXISTS',
        `${to} came to be while the run went on; it is left as it is.`,
        {
          cause: error,
          hint: 'Run the same command again with -y to replace it: the finished segments are kept.',
        },
      );
    }
    // File systems without hard links (exFAT, some network shares).
    await rename(from, to);
  }
}

/** Writes what the system still holds of a file to its disk. */
export async function flush(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
