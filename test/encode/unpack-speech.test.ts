import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { upscale, verify } from '../../src/index.ts';
import { isSpeech } from '../../src/encode/unpack-speech.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { ffmpeg, ffprobe, makeFolder } from '../pipeline/clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

/** Frames of 20 ms of 12.2 kbit/s (3GPP TS 26.101); any bits are speech. */
function writeSpeech(file: string, frames: number): void {
  const frame = (at: number): number[] => [
    0x3c,
    ...Array.from({ length: 31 }, (_, i) => ((at * 31 + i) * 2654435761) & 0xff),
  ];
  writeFileSync(
    file,
    Buffer.from([...Buffer.from('#!AMR\n'), ...Array.from({ length: frames }, (_, i) => frame(i)).flat()]),
  );
}

it('knows AMR of both kinds', () => {
  expect(['amr_nb', 'amr_wb', 'aac', 'pcm_s16le'].map(isSpeech)).toEqual([true, true, false, false]);
});

describe.each(await findToolSets())('AMR of telephones by ffmpeg %s', (name, tools) => {
  const clip = folder.path(`${name}.mov`);
  writeSpeech(folder.path('speech.amr'), 150);
  ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=15:d=3', '-i', folder.path('speech.amr')],
    ...['-c:v', 'mjpeg', '-q:v', '2', '-c:a', 'copy', '-metadata:s:a:0', 'language=ger', clip],
  );
  const options = { model: 'lanczos', overwrite: true, ffmpeg: tools.ffmpeg, ffprobe: tools.ffprobe };

  it.each([
    ['mkv', 'flac'],
    ['mp4', 'aac'],
    ['mov', 'amr_nb'],
  ])('is whole in %s, as %s', async (container, codec) => {
    const output = folder.path(`${name}-out.${container}`);
    const made = await upscale(clip, { ...options, output });
    expect(made.verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
    const sound = ffprobe(output).streams.find(({ codec_type }) => codec_type === 'audio');
    expect(sound).toMatchObject({ codec_name: codec, tags: { language: 'ger' } });
    const report = await verify(clip, output, { ffmpeg: tools.ffmpeg, ffprobe: tools.ffprobe });
    expect(report.rows.find(({ check }) => check === 'sound 1')).toMatchObject({ status: 'ok' });
  });

  it('is cut with a part', async () => {
    const output = folder.path(`${name}-part.mkv`);
    const made = await upscale(clip, { ...options, output, frames: '15:30' });
    expect(made.verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
  });
});
