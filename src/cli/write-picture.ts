import { UpscaleError } from '../core/errors.ts';
import { writeWhole } from '../ffmpeg/disk-cache.ts';

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
