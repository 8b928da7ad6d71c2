import { createRequire } from 'node:module';
import { findTools, type FfmpegTools } from '../../src/ffmpeg/tools.ts';

/** The ffmpeg that npm installs: the same on every machine of a kind. */
export async function embeddedTools(): Promise<FfmpegTools> {
  const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { readonly path: string };
  return findTools({ ffmpeg: path });
}

/** The embedded ffmpeg, and the machine's own where it has one: what is tested must hold with both. */
export async function findToolSets(): Promise<readonly (readonly [string, FfmpegTools])[]> {
  const embedded = await embeddedTools();
  const found = await findTools();
  return found.ffmpeg === embedded.ffmpeg
    ? [['embedded', embedded]]
    : [
        ['embedded', embedded],
        [found.version.text, found],
      ];
}
