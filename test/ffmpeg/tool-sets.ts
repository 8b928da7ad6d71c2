import { createRequire } from 'node:module';
import { findTools, type FfmpegTools } from '../../src/ffmpeg/tools.ts';

/** The embedded ffmpeg, and the machine's own where it has one: what is tested must hold with both. */
export async function findToolSets(): Promise<readonly (readonly [string, FfmpegTools])[]> {
  const embeddedPath = (
    createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { readonly path: string }
  ).path;
  const embedded = await findTools({ ffmpeg: embeddedPath });
  const found = await findTools();
  return found.ffmpeg === embedded.ffmpeg
    ? [['embedded', embedded]]
    : [
        ['embedded', embedded],
        [found.version.text, found],
      ];
}
