import { mkdir, mkdtemp, readdir, readFile as readBytes, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UpscaleError } from '../../src/core/errors.ts';
import { probe } from '../../src/decode/probe.ts';
import type { Source } from '../../src/decode/source.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import {
  deliver,
  makeClip,
  makePlainSource,
  readFile,
  readTimes,
  type ProbedFile,
} from './encode-fixture.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-assemble-'));
const toolSets = await findToolSets();
afterAll(() => rm(directory, { recursive: true, force: true }));

const PICTURE = 'testsrc2=s=64x48:r=25:d=1.6';
const SOUND = 'sine=r=48000:d=1.6';
const SHORT_SOUND = 'sine=f=880:r=48000:d=1.2';
const CLOCK = { timeBase: { num: 1, den: 12800 }, frameRate: { num: 25, den: 1 } };
const TIMES = [
  Array.from({ length: 20 }, (_, i) => i * 512),
  Array.from({ length: 20 }, (_, i) => (i + 20) * 512),
];

async function makeSources(
  tools: FfmpegTools,
  folder: string,
): Promise<Record<'tape' | 'film' | 'phone', Source>> {
  const chapters = path.join(folder, 'chapters.txt');
  await writeFile(
    chapters,
    ';FFMETADATA1\ntitle=Holiday\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=700\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=700\nEND=1600\ntitle=Two\n',
  );
  const subtitles = path.join(folder, 's.srt');
  await writeFile(subtitles, '1\n00:00:00,200 --> 00:00:00,800\nHello\n');
  const font = path.join(folder, 'font.ttf');
  await writeFile(font, 'stands for a font');
  const cover = await makeClip(
    tools,
    path.join(folder, 'cover.jpg'),
    ['color=red:s=64x64'],
    ['-frames:v', '1'],
  );
  const meta = { path: chapters, options: ['-f', 'ffmetadata'] };
  const tape = await makeClip(
    tools,
    path.join(folder, 'tape.mov'),
    [PICTURE, SOUND, SHORT_SOUND],
    [
      ...['-map', '0', '-map', '1', '-map', '2', '-map_metadata', '3', '-map_chapters', '3'],
      ...['-c:v', 'mpeg4', '-c:a', 'pcm_s24le', '-timecode', '01:00:00:10'],
      ...['-metadata:s:v:0', 'reel_name=TAPE7', '-metadata:s:a:0', 'language=eng'],
      ...['-metadata', 'creation_time=2004-05-06T07:08:09Z'],
    ],
    [meta],
  );
  const film = await makeClip(
    tools,
    path.join(folder, 'film.mkv'),
    [PICTURE, SOUND, SHORT_SOUND],
    [
      ...['-map', '0', '-map', '1', '-map', '2', '-map', '4:s', '-map_metadata', '3', '-map_chapters', '3'],
      ...[
        '-c:v',
        'mpeg4',
        '-c:a:0',
        'flac',
        '-c:a:1',
        'ac3',
        '-c:s',
        'ass',
        '-metadata:s:s:0',
        'language=fre',
      ],
      ...['-metadata:s:a:0', 'title=Main', '-disposition:s:0', 'forced', '-attach', font],
      ...['-metadata:s:t:0', 'mimetype=application/x-truetype-font', '-metadata:s:t:0', 'filename=font.ttf'],
    ],
    [meta, { path: subtitles }],
  );
  const phone = await makeClip(
    tools,
    path.join(folder, 'phone.mp4'),
    [PICTURE, SOUND],
    [
      ...['-map', '0', '-map', '1', '-map', '2', '-map', '3:s', '-c:v:0', 'mpeg4', '-c:a', 'aac'],
      ...['-c:v:1', 'copy', '-disposition:v:1', 'attached_pic', '-c:s', 'mov_text', '-metadata', 'artist=Me'],
    ],
    [{ path: cover }, { path: subtitles }],
  );
  return {
    tape: await probe(tape, { tools }),
    film: await probe(film, { tools }),
    phone: await probe(phone, { tools }),
  };
}

describe.each(toolSets)('with ffmpeg %s', (name, tools) => {
  let sources: Record<'tape' | 'film' | 'phone', Source>;
  let plain: Source;
  beforeAll(async () => {
    const folder = path.join(directory, name);
    await mkdir(folder, { recursive: true });
    sources = await makeSources(tools, folder);
    plain = await makePlainSource(tools, folder);
  });

  async function run(
    source: Source,
    extension: string,
    profile = 'h264',
  ): Promise<{ file: ProbedFile; codes: string[]; output: string }> {
    const work = await mkdtemp(path.join(directory, 'work-'));
    const output = path.join(work, `out.${extension}`);
    const { notices } = await deliver(
      tools,
      { source, outputPath: output, profile, ...CLOCK },
      TIMES,
      work,
      512,
    );
    return { file: await readFile(tools, output), codes: notices.map(({ code }) => code), output };
  }

  const list = (file: ProbedFile): string[] => file.streams.map((s) => `${s.codec_type} ${s.codec_name}`);

  it('keeps PCM, chapters, timecode, reel and date of a tape in QuickTime', async () => {
    const { file, output, codes } = await run(sources.tape, 'mov');
    expect(list(file).slice(0, 3)).toEqual(['video h264', 'audio pcm_s24le', 'audio pcm_s24le']);
    expect(file.streams[1]?.tags?.['language']).toBe('eng');
    const track = file.streams.find((s) => s.codec_tag_string === 'tmcd');
    expect(track?.tags).toMatchObject({ timecode: '01:00:00:10', reel_name: 'TAPE7' });
    expect(file.format.tags?.['creation_time']).toBe('2004-05-06T07:08:09.000000Z');
    expect(file.chapters.map(({ tags }) => tags?.['title'])).toEqual(['One', 'Two']);
    expect(Number(file.streams[1]?.duration)).toBeCloseTo(1.6, 2);
    expect(Number(file.streams[2]?.duration)).toBeCloseTo(1.2, 2);
    expect(codes).toEqual([]);
    expect((await readTimes(tools, output)).pts[0]).toBe(0);
  });

  it('makes AAC of PCM in MP4 and says how to keep it', async () => {
    const { file, codes } = await run(sources.tape, 'mp4');
    expect(list(file).slice(0, 3)).toEqual(['video h264', 'audio aac', 'audio aac']);
    expect(codes).toEqual(['audio-transcoded', 'audio-transcoded', 'reel-dropped']);
    expect(file.streams.find((s) => s.codec_tag_string === 'tmcd')?.tags?.['timecode']).toBe('01:00:00:10');
  });

  it('carries a timecode into Matroska as tags', async () => {
    const { file } = await run(sources.tape, 'mkv');
    expect(file.format.tags).toMatchObject({ TIMECODE: '01:00:00:10', REEL_NAME: 'TAPE7', title: 'Holiday' });
  });

  it('keeps everything of a film in Matroska', async () => {
    const { file, codes } = await run(sources.film, 'mkv');
    expect(list(file)).toEqual([
      'video h264',
      'audio flac',
      'audio ac3',
      'subtitle ass',
      expect.stringMatching(/^attachment/) as string,
    ]);
    expect(file.streams[1]?.tags?.['title']).toBe('Main');
    expect(file.streams[3]?.tags?.['language']).toBe('fre');
    expect(file.streams[3]?.disposition['forced']).toBe(1);
    expect(file.streams[4]?.tags?.['filename']).toBe('font.ttf');
    expect(file.chapters).toHaveLength(2);
    expect(codes).toEqual([]);
  });

  it('turns text subtitles into what MP4 has, and tells what it lacks', async () => {
    const { file, codes } = await run(sources.film, 'mp4');
    expect(list(file).slice(0, 4)).toEqual(['video h264', 'audio aac', 'audio ac3', 'subtitle mov_text']);
    expect(codes).toEqual(['audio-transcoded', 'subtitle-transcoded', 'attachment-dropped']);
  });

  it('keeps cover pictures as covers in MP4 and Matroska', async () => {
    for (const extension of ['mp4', 'mkv']) {
      const { file } = await run(sources.phone, extension);
      const pictures = file.streams.filter((s) => s.codec_type === 'video');
      expect(pictures.map((s) => s.disposition['attached_pic'])).toEqual([0, 1]);
      const artist = file.format.tags?.['artist'] ?? file.format.tags?.['ARTIST'];
      expect(artist).toBe('Me');
    }
  });

  it('writes numbered pictures', async () => {
    const work = await mkdtemp(path.join(directory, 'work-'));
    const { file } = await deliver(
      tools,
      { source: plain, outputPath: path.join(work, 'shot.%03d.png'), profile: 'png' },
      [[0, 1, 2], [3]],
      work,
    );
    const pictures = (await readdir(work)).filter((entry) => entry.endsWith('.png')).sort();
    expect(pictures).toEqual(['shot.001.png', 'shot.002.png', 'shot.003.png', 'shot.004.png']);
    expect(file.bytes).toBeGreaterThan(0);
  });

  it('never replaces a file unasked, and leaves nothing behind', async () => {
    const work = await mkdtemp(path.join(directory, 'work-'));
    const output = path.join(work, 'out.mp4');
    await writeFile(output, 'mine');
    const wishes = { source: plain, outputPath: output };
    const failure: unknown = await deliver(tools, wishes, [[0, 1]], work).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UpscaleError);
    expect((failure as UpscaleError).code).toBe('OUTPUT_EXISTS');
    expect(await readBytes(output, 'utf8')).toBe('mine');
    expect((await readdir(work)).filter((entry) => entry.includes('.part'))).toEqual([]);
    await deliver(tools, { ...wishes, overwrite: true }, [[0, 1]], work);
    expect((await stat(output)).size).toBeGreaterThan(100);
  });
});
