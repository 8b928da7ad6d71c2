import { access } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import { writeWhole } from '../ffmpeg/disk-cache.ts';

/** Throws `OUTPUT_EXISTS` where `output` names something already. */
export async function refuseExisting(output: string): Promise<void> {
  const exists = await access(output).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw new UpscaleError('OUTPUT_EXISTS', `${output} exists.`, {
    hint: 'Replace it with -y, or name another.',
  });
}

/** Writes a picture that is whole or absent. Throws `OUTPUT_UNWRITABLE`. */
export async function writePicture(output: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeWhole(output, bytes);
  } catch (error) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `${output} cannot be written.`, {
      cause: error,
      hint: 'Check the folder and its rights.',
    });
  }
}
