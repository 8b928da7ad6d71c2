import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import type { HostSetup } from './hosts.ts';

export type InstallOutcome = 'installed' | 'there already' | 'would be installed' | 'nothing to install';

/** Puts a host's file in place. Throws `OUTPUT_EXISTS` for a file that is another's or was changed: nothing is overwritten. */
export async function installHost({ file }: HostSetup, dryRun: boolean): Promise<InstallOutcome> {
  if (file === null) return 'nothing to install';
  const existing = await readFile(file.path, 'utf8').catch(() => null);
  if (existing === file.text) return 'there already';
  if (existing !== null) throw refuse(file.path, 'is not overwritten');
  if (dryRun) return 'would be installed';
  try {
    await mkdir(path.dirname(file.path), { recursive: true });
    await writeFile(file.path, file.text, { flag: 'wx' });
  } catch (error) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `${file.path} cannot be written.`, {
      cause: error,
      hint: 'Check the rights of the folder.',
    });
  }
  return 'installed';
}

export type UninstallOutcome = 'removed' | 'not there' | 'would be removed' | 'nothing to remove';

/** Takes a host's file out. Throws `OUTPUT_EXISTS` for one that was changed since, which is left. */
export async function uninstallHost({ file }: HostSetup, dryRun: boolean): Promise<UninstallOutcome> {
  if (file === null) return 'nothing to remove';
  const existing = await readFile(file.path, 'utf8').catch(() => null);
  if (existing === null) return 'not there';
  if (existing !== file.text) throw refuse(file.path, 'is not removed');
  if (dryRun) return 'would be removed';
  await rm(file.path);
  return 'removed';
}

function refuse(file: string, what: string): UpscaleError {
  return new UpscaleError(
    'OUTPUT_EXISTS',
    `${file} is another file than this Upreel puts there, and ${what}.`,
    {
      hint: 'Look at it, and move it away if it is not needed.',
    },
  );
}
