import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { upscale } from '../../src/index.ts';
import { runFfmpeg } from '../../src/ffmpeg/process.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-sound-'));
afterAll(() => rm(directory, { recursive: true, force: true }));

it.each(await findToolSets())(
  'keeps frames and sound in step in Matroska where AAC begins before zero (ffmpeg %s)',
  async (name, tools) => {
    const clip = path.join(directory, `${name}.mp4`);
    const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25', '-f', 'lavfi', '-i', 'sine=r=48000'];
    const codecs = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
    await runFfmpeg(tools, ['-v', 'error', ...inputs, '-t', '1', ...codecs, clip], { what: 'making a clip' });
    const { ffmpeg, ffprobe } = tools;
    // Frames that are written in another order than shown come before the sound's first packet.
    for (const encoder of ['h264', 'ffv1'] as const) {
      const output = path.join(directory, `${name}-${encoder}.mkv`);
      const made = await upscale(clip, { output, encoder, model: 'lanczos', ffmpeg, ffprobe });
      expect(made.verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
      expect(made.verify?.ok).toBe(true);
    }
  },
);
