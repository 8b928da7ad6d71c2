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

it.each(await findToolSets())(
  'says nothing against a file whose sound has a long run-in (ffmpeg %s)',
  async (name, tools) => {
    const [plain, clip] = [
      path.join(directory, `${name}-plain.mp4`),
      path.join(directory, `${name}-early.mp4`),
    ];
    const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25', '-f', 'lavfi', '-i', 'sine=r=48000'];
    const codecs = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-t', '1'];
    const what = 'making a clip';
    await runFfmpeg(tools, ['-v', 'error', ...inputs, ...codecs, plain], { what });
    // Three packets of AAC before the first frame, as telephones write two.
    const both = ['-i', plain, '-itsoffset', '-0.042667', '-i', plain, '-map', '0:v', '-map', '1:a'];
    await runFfmpeg(tools, ['-v', 'error', ...both, '-c', 'copy', clip], { what });
    const { ffmpeg, ffprobe } = tools;
    const [start] = (
      await Promise.all(
        ['mkv', 'mp4'].map(async (container) => {
          const output = path.join(directory, `${name}-copied.${container}`);
          const made = await upscale(clip, { output, model: 'lanczos', ffmpeg, ffprobe });
          expect(made.verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
          return made.verify?.rows.find(({ check }) => check === 'start');
        }),
      )
    ).map((row) => row?.actual);
    // Matroska has no time before zero: all of it is later.
    expect(start).toBe('0.064 s');
  },
);
