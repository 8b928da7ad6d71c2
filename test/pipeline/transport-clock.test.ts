import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { upscale, type UpscaleOutcome } from '../../src/index.ts';
import { runFfmpeg, runFfprobe } from '../../src/ffmpeg/process.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-clock-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two seconds of a stream whose picture and sound begin so late after `start`. */
async function record(
  tools: FfmpegTools,
  name: string,
  begin: { readonly start: number; readonly picture: number; readonly sound: number },
  format = 'mpegts',
): Promise<string> {
  const file = path.join(folder, name);
  const inputs = [
    ...['-itsoffset', String(begin.picture), '-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=2'],
    ...['-itsoffset', String(begin.sound), '-f', 'lavfi', '-i', 'sine=r=48000:d=2'],
  ];
  const codecs = ['-c:v', 'mpeg2video', '-c:a', 'mp2', '-output_ts_offset', String(begin.start)];
  const arguments_ = ['-v', 'error', '-y', ...inputs, '-map', '0:v', '-map', '1:a', ...codecs];
  await runFfmpeg(tools, [...arguments_, '-f', format, file], { what: 'making a stream' });
  return file;
}

/** Seconds that the sound's last packet comes after the picture's last frame. */
async function measureEnd(tools: FfmpegTools, file: string): Promise<number> {
  const ends = await Promise.all(
    ['v:0', 'a:0'].map(async (stream) => {
      const shown = ['-select_streams', stream, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
      const text = await runFfprobe(tools, ['-v', 'error', ...shown, file], { what: 'reading times' });
      return Math.max(...text.split('\n').filter(Boolean).map(parseFloat));
    }),
  );
  return (ends[1] ?? NaN) - (ends[0] ?? NaN);
}

function findRow({ verify }: UpscaleOutcome, check: string): string | undefined {
  return verify?.rows.find((row) => row.check === check)?.status;
}

describe.each(await findToolSets())('with ffmpeg %s', (version, tools) => {
  const { ffmpeg, ffprobe } = tools;
  const output = path.join(folder, `${version}.mkv`);
  const options = { output, model: 'lanczos', overwrite: true, ffmpeg, ffprobe };

  it.each(['mpegts', 'vob'])('sound that begins late in %s stays late, also in a part', async (format) => {
    const begin = { start: 20, picture: 0, sound: 0.4 };
    const source = await record(tools, `${version}-late.${format}`, begin, format);
    for (const frames of [undefined, '0:30']) {
      const made = await upscale(source, { ...options, ...(frames === undefined ? {} : { frames }) });
      expect(findRow(made, 'sync 1')).toBe('ok');
      expect(made.verify?.ok).toBe(true);
    }
  });

  it.each([
    { first: 'picture', begins: { picture: 0, sound: 0.4 } },
    { first: 'sound', begins: { picture: 0.4, sound: 0 } },
  ])('a clock that jumps jumps for picture and sound alike ($first first)', async ({ first, begins }) => {
    const source = await record(tools, `${version}-${first}.ts`, { start: 10, ...begins });
    for (const [i, next] of [
      { start: 100, picture: 0, sound: 0 },
      { start: 40, picture: 0, sound: 0.3 },
    ].entries()) {
      const file = await record(tools, `${version}-${first}-${String(i)}.ts`, next);
      await appendFile(source, await readFile(file));
      const made = await upscale(source, options);
      expect(made.verify?.ok).toBe(true);
      expect(findRow(made, 'start')).toBe('ok');
      const expected = await measureEnd(tools, file);
      expect(Math.abs((await measureEnd(tools, output)) - expected)).toBeLessThan(0.045);
    }
  });
});
