import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UpscaleError } from '../core/errors.ts';

/** A source that came through a pipe, on disk: planning and putting back the sound both need to see it from the start. */
export interface SpooledInput {
  readonly path: string;
  remove(): Promise<void>;
}

/** Writes all of standard input to a file beside `output` (or in the temporary folder for stdout). */
export async function spoolStdin(output: string | undefined, signal?: AbortSignal): Promise<SpooledInput> {
  const base = output === undefined || output === '-' ? os.tmpdir() : path.dirname(path.resolve(output));
  let folder: string;
  try {
    folder = await mkdtemp(path.join(base, '.upreel-stdin-'));
  } catch (error) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `Cannot keep standard input in ${base}.`, { cause: error });
  }
  const file = path.join(folder, 'stdin');
  const remove = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(process.stdin, createWriteStream(file), { ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    await remove();
    if (signal?.aborted === true) throw new UpscaleError('ABORTED', 'The run was stopped.');
    throw new UpscaleError('DISK_SPACE', `Standard input could not be kept in ${base}.`, { cause: error });
  }
  return { path: file, remove };
}
