import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHook, type HookResult } from '../../src/hook/run-hook.ts';
import { upscale } from '../../src/index.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { ffmpeg, makeFolder, tools } from '../pipeline/clip-fixture.ts';
import { hasMediaInfo, readMediaInfo } from './mediainfo.ts';

interface Probed {
  readonly streams: readonly (Readonly<Record<string, string | number | undefined>> & {
    readonly tags?: Readonly<Record<string, string>>;
  })[];
  readonly chapters: readonly { readonly tags: Readonly<Record<string, string>> }[];
}

const folder = await makeFolder();
afterAll(folder.remove);
const toolSets = await findToolSets();
const SOUND = 'sine=r=48000:d=0.4';
const MIX =
  '[1]asplit[x][guide];[x]pan=5.1|c0=c0|c1=c0|c2=c0|c3=0.5*c0|c4=c0|c5=c0,channelmap=channel_layout=5.1[mix]';

/** Exports as editors make them: what each must still say of itself when it is larger. */
const EXPORTS = [
  {
    name: '29.97 drop-frame, BT.709',
    file: 'ntsc.mov',
    picture: 'testsrc2=s=192x108:r=30000/1001:d=0.4',
    args: [],
    filter: '',
    timecode: ['00:59:59;28', '00:59:59;28'],
    rate: '30000/1001',
    colors: ['bt709', 'bt709', 'bt709'],
    mediainfo: ['BT.709', 'BT.709', 'BT.709'],
    request: {},
  },
  {
    name: '29.97 non-drop, BT.709',
    file: 'ntsc-ndf.mov',
    picture: 'testsrc2=s=192x108:r=30000/1001:d=0.4',
    args: [],
    filter: '',
    timecode: ['00:59:59:28', '00:59:59:28'],
    rate: '30000/1001',
    colors: ['bt709', 'bt709', 'bt709'],
    mediainfo: ['BT.709', 'BT.709', 'BT.709'],
    request: {},
  },
  {
    name: '59.94 drop-frame, BT.709',
    file: 'sport.mov',
    picture: 'testsrc2=s=192x108:r=60000/1001:d=0.4',
    args: [],
    filter: '',
    timecode: ['10:00:00;56', '10:00:00;56'],
    rate: '60000/1001',
    colors: ['bt709', 'bt709', 'bt709'],
    mediainfo: ['BT.709', 'BT.709', 'BT.709'],
    request: {},
  },
  {
    name: '23.976 non-drop, BT.2020 and HLG',
    file: 'film.mov',
    picture: 'testsrc2=s=192x108:r=24000/1001:d=0.4',
    args: [],
    filter: '',
    timecode: ['01:00:00:23', '01:00:00:23'],
    rate: '24000/1001',
    colors: ['bt2020', 'arib-std-b67', 'bt2020nc'],
    mediainfo: ['BT.2020', 'HLG', 'BT.2020 non-constant'],
    request: {},
  },
  {
    name: '25 interlaced with wide pixels, BT.601',
    file: 'pal.mov',
    picture: 'testsrc2=s=180x144:r=50:d=0.4',
    args: ['-flags', '+ildct'],
    filter: 'tinterlace=interleave_top,setfield=tff,setsar=16/15,',
    // A frame for each field: the same moment at twice the count.
    timecode: ['10:00:00:12', '10:00:00:24'],
    rate: '50/1',
    colors: ['bt470bg', 'bt709', 'bt470bg'],
    mediainfo: ['BT.601 PAL', 'BT.709', 'BT.470 System B/G'],
    request: { deinterlace: 'field' },
  },
] as const;

/** Of the ffmpeg that makes the exports and reads the results: 5.1 or later. */
const isNew = tools.features.fpsMode;

function probe(file: string): Probed {
  const { stdout } = spawnSync(tools.ffprobe, [
    ...['-v', 'error', '-show_streams', '-show_chapters', '-of', 'json', file],
  ]);
  return JSON.parse(stdout.toString()) as Probed;
}

describe.each(EXPORTS)('an export of $name', ({ file, picture, args, filter, timecode, ...expected }) => {
  const source = folder.path(file);
  const [primaries, transfer, matrix] = expected.colors;

  beforeAll(() => {
    const colors = `setparams=color_primaries=${primaries}:color_trc=${transfer}:colorspace=${matrix}`;
    const tags = ['-color_primaries', primaries, '-color_trc', transfer, '-colorspace', matrix];
    const meta = folder.path('chapters.txt');
    const chapters = [0, 200].map(
      (start) =>
        `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${String(start)}\nEND=${String(start + 200)}\ntitle=At ${String(start)}\n`,
    );
    writeFileSync(meta, `;FFMETADATA1\n${chapters.join('')}`);
    ffmpeg(
      ...['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', SOUND, '-i', meta, '-filter_complex'],
      ...[`[0]${filter}${colors}[picture];${MIX}`, '-map', '[picture]', '-map', '[mix]', '-map', '[guide]'],
      ...[
        '-map_metadata',
        '2',
        '-map_chapters',
        '2',
        '-c:v',
        'prores_ks',
        '-vendor',
        'apl0',
        // Older versions leave the colours out.
        '-movflags',
        '+write_colr',
        ...tags,
        ...args,
      ],
      ...['-c:a', 'pcm_s24le', '-timecode', timecode[0], '-metadata:s:v:0', 'reel_name=A007C012'],
      ...['-metadata:s:a:0', 'handler_name=Mix 5.1', '-metadata:s:a:1', 'handler_name=Guide', source],
    );
  });

  describe.each(
    toolSets.flatMap(([version, set]) =>
      (['mezzanine', 'mezzanine-dnxhr'] as const).map((preset) => ({ version, set, preset })),
    ),
  )('as $preset by ffmpeg $version', ({ version, set, preset }) => {
    let result: HookResult;
    let probed: Probed;

    beforeAll(async () => {
      const output = folder.path(`${version}-${preset}-${file}`);
      const request = { output, preset, model: 'lanczos', ffmpeg: set.ffmpeg, ...expected.request };
      result = await runHook({ file: source, request }, upscale);
      probed = probe(result.output);
    });

    it('is found right, and says so', () => {
      expect(result).toMatchObject({ ok: true, verified: true, damaged: false });
      expect(result).toMatchObject({ timecode: timecode[1], reel: 'A007C012', frameRate: expected.rate });
    });

    it('keeps timecode, reel, rate, colours, shape, sound and chapters by ffprobe', () => {
      const [video] = probed.streams;
      const track = probed.streams.find(({ codec_tag_string }) => codec_tag_string === 'tmcd');
      const dnxhr = preset === 'mezzanine-dnxhr';
      expect(track?.tags).toMatchObject({ timecode: timecode[1], reel_name: 'A007C012' });
      expect(video).toMatchObject({
        ...{ codec_name: dnxhr ? 'dnxhd' : 'prores', profile: dnxhr ? 'DNXHR HQX' : 'HQ' },
        ...{ sample_aspect_ratio: '1:1', r_frame_rate: expected.rate, avg_frame_rate: expected.rate },
        // ProRes has no word for the range; newer versions know that it is limited.
        ...(dnxhr || isNew ? { color_range: 'tv' } : {}),
        // Of DNxHR ffmpeg's files say it in the frames alone, where MediaInfo finds it.
        ...(dnxhr ? {} : { field_order: 'progressive' }),
      });
      expect(video).toMatchObject({ color_primaries: primaries, color_transfer: transfer });
      // DNxHR is BT.709 by its decoders; what was in another matrix is converted.
      // QuickTime has one number for the matrix of BT.601, which an older version reads back by its other name.
      const kept = matrix === 'bt470bg' && !isNew ? 'smpte170m' : matrix;
      expect(video?.['color_space']).toBe(dnxhr ? 'bt709' : kept);
      const sound = probed.streams.filter(({ codec_type }) => codec_type === 'audio');
      expect(sound).toMatchObject([
        { codec_name: 'pcm_s24le', channel_layout: '5.1', tags: { handler_name: 'Mix 5.1' } },
        { codec_name: 'pcm_s24le', channel_layout: 'mono', tags: { handler_name: 'Guide' } },
      ]);
      expect(probed.chapters.map(({ tags }) => tags['title'])).toEqual(['At 0', 'At 200']);
    });

    it.skipIf(!hasMediaInfo)('keeps them by MediaInfo (skipped where it is not installed)', () => {
      const tracks = readMediaInfo(result.output);
      const video = tracks.find((track) => track['@type'] === 'Video');
      const other = tracks.find((track) => track['@type'] === 'Other');
      const sound = tracks.filter((track) => track['@type'] === 'Audio');
      const [primaries, transfer, matrix] = expected.mediainfo;
      expect(video).toMatchObject({ colour_primaries: primaries, transfer_characteristics: transfer });
      if (preset === 'mezzanine') expect(video).toMatchObject({ matrix_coefficients: matrix });
      expect(video).toMatchObject({ ScanType: 'Progressive' });
      expect(video).toMatchObject({ PixelAspectRatio: '1.000', FrameRate_Mode: 'CFR' });
      const [num, den] = expected.rate.split('/');
      if (den !== '1') expect(video).toMatchObject({ FrameRate_Num: num, FrameRate_Den: den });
      expect(other).toMatchObject({ Type: 'Time code', TimeCode_FirstFrame: timecode[1] });
      expect(other?.['Title']).toBe('A007C012');
      expect(sound).toMatchObject([
        { Channels: '6', Title: 'Mix 5.1' },
        { Channels: '1', Title: 'Guide' },
      ]);
      const layouts = readMediaInfo(source)
        .filter((track) => track['@type'] === 'Audio')
        .map(({ ChannelLayout }) => ChannelLayout);
      expect(layouts).toEqual([expect.stringContaining('LFE'), 'C']);
      expect(sound.map(({ ChannelLayout }) => ChannelLayout)).toEqual(layouts);
      const chapters = tracks.find((track) => track['@type'] === 'Menu')?.['extra'];
      // Their names are times on the timecode's clock, which is MediaInfo's own reckoning.
      expect(Object.values(chapters ?? {})).toEqual(expect.arrayContaining(['At 0', 'At 200']));
      expect(video).toMatchObject({ Delay_DropFrame: timecode[1].includes(';') ? 'Yes' : 'No' });
    });
  });
});
