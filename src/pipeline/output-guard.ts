import { constants } from 'node:fs';
import { access, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { parseSidecar } from '../core/provenance.ts';
import { sidecarOf } from '../encode/provenance.ts';
import type { Plan } from './plan-schema.ts';

/**
 * Refuses what would lose data or fail at the end: an output that exists (unless overwriting was asked for), that is the source itself
 * under whatever name, or whose folder is missing or not writable.
 */
export async function guardOutput(plan: Plan): Promise<void> {
  const { path: output, overwrite } = plan.assemble;
  if (output === '-') return;
  await guardOutputFile(output, plan.source.path, overwrite);
  const sidecar = sidecarOf(plan.assemble);
  // One of an earlier output of this name is no loss.
  const earlier = sidecar === null ? null : await readFile(sidecar, 'utf8').catch(() => null);
  if (sidecar === null || (earlier !== null && parseSidecar(earlier) !== null)) return;
  await guardOutputFile(sidecar, plan.source.path, overwrite);
}

/** The same for any file that is made of a source. */
export async function guardOutputFile(output: string, input: string, overwrite: boolean): Promise<void> {
  const folder = path.dirname(output);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `Cannot write into the folder ${folder}.`, {
      cause: error,
      hint: 'Make the folder, or give another output with -o PATH.',
    });
  }
  const existing = await stat(output).catch(() => null);
  if (existing === null) return;
  if (existing.isDirectory()) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `The output ${output} is a folder.`, {
      hint: 'Give the name of a file: -o FOLDER/NAME.mp4.',
    });
  }
  const source = await stat(input).catch(() => null);
  const same =
    (source !== null && source.dev === existing.dev && source.ino === existing.ino) ||
    (await realpath(output)) === (await realpath(input).catch(() => ''));
  if (same) {
    throw new UpscaleError('OUTPUT_IS_SOURCE', `The output ${output} is the source itself.`, {
      hint: 'Give another output name with -o PATH.',
    });
  }
  if (!overwrite) {
    throw new UpscaleError('OUTPUT_EXISTS', `The output ${output} exists already.`, {
      hint: 'Replace it with -y (--overwrite), or give another name with -o PATH.',
    });
  }
}

/** Throws `DISK_SPACE` when `freeBytes` cannot hold the segments and the file made of them. */
export function guardDisk(plan: Plan, freeBytes: number, finishedBytes: number): void {
  const needed = Math.max(0, plan.resources.diskBytes - finishedBytes);
  if (freeBytes >= needed) return;
  throw new UpscaleError(
    'DISK_SPACE',
    `The run needs about ${formatGigabytes(needed)} of disk beside ${plan.assemble.path}, and ${formatGigabytes(freeBytes)} are free.`,
    { hint: 'Free some space, write elsewhere with -o PATH, or choose a higher --crf.' },
  );
}

function formatGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
