import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe } from '../../src/decode/probe.ts';
import { readRate } from '../../src/decode/read-video-stream.ts';
import type { Source } from '../../src/decode/source.ts';
import { buildArguments } from '../../src/ffmpeg/command.ts';
import { runFfmpeg } from '../../src/ffmpeg/process.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { makeClip } from './decoder-fixture.ts';
import { writeMatrix } from './display-matrix-fixture.ts';

const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-pix_fmt', 'yuv420p'];
/** Moves a little in every field, as a camera does. */
const CAMERA =
  'testsrc2=size=720x576:rate=50,split[a][b];[a]scale=1440:1152:flags=area[c];[c][b]overlay=x=-n*2:y=-n,crop=360:288:0:0';

const toolSets = await findToolSets();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'upreel probe '));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(toolSets)('probe with ffmpeg %s', (version, tools) => {
  let room: string;
  beforeAll(async () => {
    room = path.join(folder, version);
    await mkdir(room);
  });
  const place = (name: string): string => path.join(room, name);
  const make = (name: string, options: readonly string[], graph?: string): Promise<string> =>
    makeClip(tools, place(name), options, graph);
  const look = async (name: string, options: readonly string[], graph?: string): Promise<Source> =>
    probe(await make(name, options, graph), { tools });
  const codes = (source: Source): string[] => source.notices.map(({ code }) => code);
  const run = (
    inputs: Parameters<typeof buildArguments>[0]['inputs'],
    name: string,
    options: string[],
  ): Promise<unknown> =>
    runFfmpeg(
      tools,
      buildArguments({ global: ['-v', 'error'], inputs, outputs: [{ path: place(name), options }] }),
      { what: `making ${name}` },
    );

  it('describes an ordinary file', async () => {
    const source = await look('plain.mp4', [...H264, '-bf', '2', '-g', '25', '-metadata', 'title=Plain']);
    expect(source).toMatchObject({
      kind: 'file',
      discontinuous: false,
      notices: [],
      timecode: null,
      others: [],
      container: { tags: { title: 'Plain' } },
      video: {
        codec: 'h264',
        width: 96,
        height: 64,
        displayWidth: 96,
        displayHeight: 64,
        frameRate: { num: 25, den: 1 },
        fields: { found: 'progressive' },
        scan: { frames: 100, firstPts: 0, missingPts: 0, variableFrameRate: false, complete: true },
      },
    });
    expect(source.video.scan.keyframes.length).toBe(4);
    expect(JSON.parse(JSON.stringify(source))).toEqual(source);
  });

  it.each([
    ['16/15', 102, 64],
    ['8/9', 96, 72],
    ['64/45', 137, 64],
    ['1/100', 96, 64],
  ])('shows pixels of %s at %ix%i', async (aspect, displayWidth, displayHeight) => {
    const name = `aspect-${aspect.replace('/', '-')}.mkv`;
    const source = await look(name, ['-vf', `setsar=${aspect}`, '-frames:v', '3', ...H264]);
    expect(source.video).toMatchObject({ displayWidth, displayHeight });
    expect(codes(source)).toEqual(aspect === '1/100' ? ['pixel-aspect-absurd'] : []);
  });

  // The matrices of a mirrored and turned picture stand in the track's header; ffmpeg of 2018 can write none of them.
  it.each([
    ['a quarter', [0, 1, -1, 0], 90, false],
    ['half', [-1, 0, 0, -1], 180, false],
    ['three quarters', [0, -1, 1, 0], 270, false],
    ['mirrored', [-1, 0, 0, 1], 0, true],
    ['mirrored upside down', [1, 0, 0, -1], 180, true],
  ] as const)('reads how a phone was held: %s', async (name, matrix, rotation, mirrored) => {
    const file = await make(`held ${name}.mov`, ['-frames:v', '3', ...H264]);
    await writeMatrix(file, matrix);
    const { video } = await probe(file, { tools });
    const [displayWidth, displayHeight] = rotation % 180 === 0 ? [96, 64] : [64, 96];
    expect(video).toMatchObject({ rotation, mirrored, displayWidth, displayHeight, width: 96, height: 64 });
  });

  it.each([
    ['tff', ['-vf', 'tinterlace=interleave_top', '-x264opts', 'tff=1'], 'tff'],
    ['bff', ['-vf', 'tinterlace=interleave_bottom', '-x264opts', 'bff=1'], 'bff'],
    ['bff that says tff', ['-vf', 'tinterlace=interleave_bottom', '-x264opts', 'tff=1'], 'bff'],
    ['tff that says nothing', ['-vf', 'tinterlace=interleave_top,setfield=prog'], 'tff'],
    ['progressive', [], 'progressive'],
    ['progressive that says tff', ['-vf', 'setfield=tff', '-x264opts', 'tff=1'], 'progressive'],
  ] as const)('finds fields: %s', async (name, options, found) => {
    const source = await look(`${name}.mp4`, [...options, '-frames:v', '30', ...H264, '-crf', '10'], CAMERA);
    expect(source.video.fields.found).toBe(found);
    expect(source.video.fields.evidence.telling).toBeGreaterThan(10);
  });

  it('finds pulldown, and goes by the tag where nothing moves', async () => {
    const film = `${CAMERA.replace('rate=50', 'rate=24000/1001')},telecine=first_field=top`;
    const telecine = await look('telecine.mp4', ['-frames:v', '50', ...H264, '-crf', '10'], film);
    expect(telecine.video.fields).toMatchObject({ found: 'telecine', topFieldFirst: true });
    const still = ['-frames:v', '10', '-vf', 'setfield=bff', '-x264opts', 'bff=1', ...H264];
    const source = await look('still.mp4', still, 'smptebars=size=720x576:rate=25');
    expect(source.video.fields).toMatchObject({ tagged: 'bff', found: 'bff', evidence: { telling: 0 } });
  });

  it('tells a start offset and a variable rate', async () => {
    const offset = await look('offset.mkv', ['-output_ts_offset', '5.5', ...H264]);
    expect(offset.video.scan.firstPts).toBe(5500);
    const passthrough = tools.features.fpsMode ? '-fps_mode' : '-vsync';
    const dropped = ['-vf', 'select=not(mod(n\\,3))+eq(mod(n\\,7)\\,1)', passthrough, 'passthrough'];
    const variable = await look('variable.mkv', [...dropped, ...H264]);
    expect(variable.video.scan.variableFrameRate).toBe(true);
  });

  it('counts the frames of a raw stream, and takes a rate for it', async () => {
    const file = await make('raw.264', [...H264, '-bf', '0']);
    const inputFrameRate = { num: 24000, den: 1001 };
    const source = await probe(file, { tools, inputFrameRate });
    expect(source.video.scan).toMatchObject({ frames: 100, firstPts: null, missingPts: 100 });
    expect(source.inputOptions).toEqual(['-framerate', '24000/1001']);
    const own = await look('own.264', [...H264, '-r', '30', '-bf', '0']);
    expect(own.video.frameRate).toEqual({ num: 30, den: 1 });
    const timed = await probe(await make('timed.mkv', ['-frames:v', '3', ...H264]), {
      tools,
      inputFrameRate,
    });
    expect(codes(timed)).toEqual(['frame-rate-not-used']);
  });

  it('finds alpha that a second decoder must read', async () => {
    const source = await look(
      'alpha.webm',
      ['-frames:v', '5', '-c:v', 'libvpx', '-pix_fmt', 'yuva420p', '-auto-alt-ref', '0'],
      'testsrc2=size=96x64:rate=25,format=yuva420p,colorchannelmixer=aa=0.5',
    );
    expect(source.video).toMatchObject({ hasAlpha: true, decoder: 'libvpx', pixelFormat: 'yuva420p' });
  });

  it('reads full range and colour tags', async () => {
    const tags = [
      '-colorspace',
      'bt709',
      '-color_primaries',
      'bt709',
      '-color_trc',
      'bt709',
      '-color_range',
      'pc',
    ];
    const source = await look('tags.mp4', ['-frames:v', '3', ...H264, ...tags]);
    expect(source.video.color).toMatchObject({ range: 'pc', matrix: 'bt709', primaries: 'bt709' });
  });

  it('lists sound, chapters and timecode', async () => {
    const chapters = place('chapters.txt');
    await writeFile(chapters, ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n');
    const inputs = [
      { path: 'testsrc2=size=96x64:rate=30000/1001:duration=2', options: ['-f', 'lavfi'] },
      { path: 'sine=duration=2', options: ['-f', 'lavfi'] },
      { path: chapters },
    ];
    const sound = ['-c:a', 'aac', '-metadata:s:a:0', 'language=fra'];
    await run(inputs, 'full.mov', [...H264, ...sound, '-timecode', '01:00:00;02', '-map_metadata', '2']);
    const source = await probe(place('full.mov'), { tools });
    expect(source.chapters).toEqual([{ start: 0, end: 2, title: 'One' }]);
    expect(source.timecode).toMatchObject({ text: '01:00:00;02', dropFrame: true });
    expect(source.timecode?.rate).toEqual({ num: 30000, den: 1001 });
    expect(source.others.map(({ type }) => type)).toContain('audio');
    expect(source.others.find(({ type }) => type === 'audio')).toMatchObject({
      codec: 'aac',
      language: 'fra',
    });
  });

  it('reads transport streams, and says where their clock jumps', async () => {
    const plain = await look('plain.ts', [...H264, '-t', '2']);
    expect(plain).toMatchObject({ discontinuous: false, video: { scan: { frames: 50, complete: true } } });
    const later = await make('later.ts', [...H264, '-t', '2', '-output_ts_offset', '500']);
    await writeFile(
      place('joined.ts'),
      Buffer.concat([await readFile(later), await readFile(place('plain.ts'))]),
    );
    const joined = await probe(place('joined.ts'), { tools });
    expect(joined).toMatchObject({ discontinuous: true, video: { scan: { frames: 100 } } });
    expect(codes(joined)).toContain('clock-jumps');
  });

  it('refuses what is encrypted', async () => {
    const key = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '0'.repeat(31) + '1'];
    const file = await make('cenc.mp4', [...H264, ...key, '-encryption_kid', '0'.repeat(31) + '2']);
    await expect(probe(file, { tools })).rejects.toMatchObject({ code: 'SOURCE_ENCRYPTED' });
  });

  it('upscales no cover picture', async () => {
    const cover = await make('cover.png', ['-frames:v', '1']);
    const sound = { path: 'sine=duration=1', options: ['-f', 'lavfi'] };
    await run([sound, { path: cover }], 'song.m4a', [
      ...['-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v:0', 'attached_pic', '-f', 'mp4'],
    ]);
    await expect(probe(place('song.m4a'), { tools })).rejects.toMatchObject({
      code: 'SOURCE_NO_VIDEO',
      message: `${place('song.m4a')} has no video to upscale, only audio and a cover picture.`,
    });
    await run(
      [sound, { path: cover }, { path: 'testsrc2=size=96x64:duration=1', options: ['-f', 'lavfi'] }],
      'with cover.mp4',
      [
        ...[
          '-map',
          '1',
          '-map',
          '0',
          '-map',
          '2',
          '-c:v:0',
          'copy',
          '-c:v:1',
          'libx264',
          '-pix_fmt:v:1',
          'yuv420p',
        ],
        ...['-disposition:v:0', 'attached_pic'],
      ],
    );
    const source = await probe(place('with cover.mp4'), { tools });
    expect(source.video.codec).toBe('h264');
    expect(source.others.map(({ type }) => type).sort()).toEqual(['audio', 'cover']);
  });

  it('reads pictures, one or many', async () => {
    await make('shot.%04d.png', ['-frames:v', '3', '-start_number', '11']);
    const sequence = await probe(place('shot.%04d.png'), { tools, inputFrameRate: { num: 24, den: 1 } });
    expect(sequence).toMatchObject({
      kind: 'image-sequence',
      video: { codec: 'png', frameRate: { num: 24, den: 1 }, scan: { frames: 3 } },
    });
    const picture = await probe(place('shot.0012.png'), { tools });
    expect(picture).toMatchObject({ kind: 'image', video: { scan: { frames: 1 } } });
    await expect(probe(place('shot.%05d.png'), { tools })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });

  it('tells a file that was cut short', async () => {
    const file = await make('whole.mkv', [...H264, '-g', '10']);
    const short = place('short.mkv');
    await copyFile(file, short);
    await truncate(short, Math.floor((await readFile(file)).length * 0.6));
    const source = await probe(short, { tools });
    expect(source.video.scan.complete).toBe(false);
    expect(source.video.scan.frames).toBeLessThan(100);
    expect(codes(source)).toContain('source-damaged');
  });

  it('sees that a rolling refresh has no place to enter', async () => {
    const options = [...H264, '-g', '25', '-x264opts', 'intra-refresh=1:keyint=25', '-tune', 'zerolatency'];
    const rolling = await look('rolling.mp4', options, 'testsrc2=size=320x240:rate=25:duration=4');
    expect(rolling.video.scan.keyframes.length).toBeLessThan(2);
  });

  it.each([
    ['nothing there', () => Promise.resolve(place('missing.mp4')), 'SOURCE_NOT_FOUND'],
    ['a folder', () => Promise.resolve(room), 'SOURCE_UNREADABLE'],
    ['an empty file', async () => writeText('empty.mp4', ''), 'SOURCE_UNREADABLE'],
    ['a text', async () => writeText('text.mp4', 'Dear diary\n'.repeat(100)), 'SOURCE_UNREADABLE'],
    ['sound alone', async () => make('sound.wav', ['-t', '1'], 'sine'), 'SOURCE_NO_VIDEO'],
    [
      'half a file without an index',
      async () => cutInHalf(await make('half.mp4', H264)),
      'SOURCE_UNREADABLE',
    ],
  ])('refuses %s', async (_, prepare, code) => {
    const error: unknown = await probe(await prepare(), { tools }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(error).toHaveProperty('hint', expect.stringMatching(/\w+\.$/));
  });

  it('stops when asked to', async () => {
    const file = await make('stop.mp4', H264);
    await expect(probe(file, { tools, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  async function writeText(name: string, text: string): Promise<string> {
    await writeFile(place(name), text);
    return place(name);
  }
});

it('takes a rate that is a usual one but for rounding for that', () => {
  expect(['19001/317', '30000/1001', '25/1', '1199/80', '0/0', '90000/1'].map(readRate)).toEqual([
    { num: 60000, den: 1001 },
    { num: 30000, den: 1001 },
    { num: 25, den: 1 },
    { num: 1199, den: 80 },
    null,
    null,
  ]);
});

async function cutInHalf(file: string): Promise<string> {
  await truncate(file, Math.floor((await readFile(file)).length / 2));
  return file;
}
