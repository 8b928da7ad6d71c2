import { link, rename, rm, stat } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';

/**
 * Gives a finished file its name: renames, or where nothing may be replaced links; unlike a check before a rename, a link cannot lose a
 * race. Throws `OUTPUT_EXISTS`.
 */
export async function moveIntoPlace(from: string, to: string, overwrite: boolean): Promise<void> {
  if (overwrite) {
    await rename(from, to);
    return;
  }
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new UpscaleError(
        'OUTPUT_EXISTS',
        `${to} came to be while the run went on; it is left as it is.`,
        {
          hint: 'Run the same command again with -y to replace it: the finished segments are kept.',
        },
      );
    }
    // File systems without hard links (exFAT, some network shares).
    if (await stat(to).catch(() => null)) throw new UpscaleError('OUTPUT_EXISTS', `${to} exists already.`);
    await rename(from, to);
    return;
  }
  await rm(from);
}
