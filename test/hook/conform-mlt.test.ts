import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planConform, type ConformPlan } from '../../src/hook/conform/plan-conform.ts';
import { runConform, type ConformResult } from '../../src/hook/conform/run-conform.ts';
import { parseXml, walkXml } from '../../src/hook/conform/xml-tree.ts';
import { upscale } from '../../src/index.ts';
import { ffmpeg, makeFolder, tools } from '../pipeline/clip-fixture.ts';
import { hasMelt, renderWithMelt } from './melt.ts';

const folder = await makeFolder();
afterAll(folder.remove);

/** Each frame carries its number in ten bars at the top, by which it is known again whatever is done to it. */
const BARS = 10;
function drawNumber(width: number, height: number): string {
  const bars = `scale=${String(BARS)}:1,geq=lum='16+219*mod(floor(N/pow(2,X)),2)':cb=128:cr=128`;
  const size = `${String(width)}:${String(height / 8)}`;
  return `split[picture][bars];[bars]${bars},scale=${size}:flags=neighbor[top];[picture][top]overlay=format=yuv420`;
}
/** Decibels (luma) that every frame of the two renders reaches; 29.9 was measured where the title comes in, 33.8 and more elsewhere. */
const LEAST_PSNR = 29;
/** A whole project is upscaled and rendered twice. */
const SLOW = 900_000;

const PROJECT = `<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" version="7.12.0" producer="main">
  <profile description="DV PAL" width="720" height="576" progressive="1" sample_aspect_num="16" sample_aspect_den="15" display_aspect_num="4" display_aspect_den="3" frame_rate_num="25" frame_rate_den="1" colorspace="601"/>
  <!-- a note that stays -->
  <producer id="tape" in="00:00:00.000" out="00:00:02.960">
    <property name="length">75</property>
    <property name="resource">tape.mov</property>
    <property name="mlt_service">avformat</property>
    <property name="audio_index">1</property>
    <property name="video_index">0</property>
    <property name="unheard:of">  stays &amp; stays </property>
  </producer>
  <chain id="film" out="00:00:07.960">
    <property name="length">00:00:08.000</property>
    <property name="resource">film.mp4</property>
    <property name="mlt_service">avformat-novalidate</property>
    <property name="meta.media.width">640</property>
    <property name="meta.media.height">480</property>
  </chain>
  <chain id="film2" out="00:00:07.960">
    <property name="length">00:00:08.000</property>
    <property name="resource">film.mp4</property>
    <property name="mlt_service">avformat-novalidate</property>
    <filter id="zoom" in="00:00:04.000" out="00:00:04.760">
      <property name="background">color:#00000000</property>
      <property name="mlt_service">affine</property>
      <property name="transition.rect">00:00:00.000=0 0 720 576 1;00:00:00.760=180 96 360 288 1</property>
      <property name="transition.fill">1</property>
      <property name="transition.distort">0</property>
    </filter>
    <filter in="00:00:04.000" out="00:00:04.760">
      <property name="mlt_service">brightness</property>
      <property name="level">00:00:00.000=1;00:00:00.760=0.7</property>
    </filter>
  </chain>
  <producer id="slow" in="0" out="499">
    <property name="length">500</property>
    <property name="resource">0.4:film.mp4</property>
    <property name="warp_speed">0.4</property>
    <property name="warp_resource">film.mp4</property>
    <property name="mlt_service">timewarp</property>
  </producer>
  <tractor id="dissolve" in="0" out="7">
    <track producer="tape" in="22" out="29"/>
    <track producer="film" in="30" out="37"/>
    <transition in="0" out="7"><property name="a_track">0</property><property name="b_track">1</property><property name="mlt_service">luma</property></transition>
  </tractor>
  <producer id="title" in="0" out="29">
    <property name="length">30</property>
    <property name="mlt_service">kdenlivetitle</property>
    <property name="resource"/>
    <property name="xmldata">&lt;kdenlivetitle duration="30" LC_NUMERIC="C" width="720" height="576" out="29"&gt;
 &lt;item type="QGraphicsTextItem" z-index="0"&gt;
  &lt;position x="120" y="400"&gt;&lt;transform&gt;1,0,0,0,1,0,0,0,1&lt;/transform&gt;&lt;/position&gt;
  &lt;content font="DejaVu Sans" font-pixel-size="60" font-weight="50" font-italic="0" font-underline="0" font-color="255,255,255,255" alignment="1" line-spacing="0"&gt;Summer&lt;/content&gt;
 &lt;/item&gt;
 &lt;startviewport rect="0,0,720,576"/&gt;&lt;endviewport rect="0,0,720,576"/&gt;&lt;background color="0,0,0,0"/&gt;
&lt;/kdenlivetitle&gt;</property>
  </producer>
  <playlist id="v1">
    <entry producer="tape" in="00:00:00.400" out="00:00:00.840"/>
    <entry producer="dissolve" in="0" out="7"/>
    <entry producer="film" in="38" out="47"/>
    <entry producer="slow" in="301" out="325"/>
    <entry producer="film2" in="00:00:04.000" out="00:00:04.760"/>
    <entry producer="film" in="170" out="179"/>
    <entry producer="tape" in="60" out="69"/>
  </playlist>
  <playlist id="v2">
    <blank length="10"/>
    <entry producer="title" in="0" out="29"/>
  </playlist>
  <tractor id="main" in="0" out="94">
    <track producer="v1"/>
    <track producer="v2"/>
    <transition><property name="a_track">0</property><property name="b_track">1</property><property name="mlt_service">qtblend</property><property name="always_active">1</property></transition>
    <filter><property name="mlt_service">choppy</property><property name="amount">0</property></filter>
  </tractor>
</mlt>
`;

async function conform(
  file: string,
  options: { handles?: number; to?: string } = {},
): Promise<{ plan: ConformPlan; result: ConformResult }> {
  const plan = await planConform(file, {
    request: { to: options.to ?? '960x720', model: 'lanczos', temporal: 'off', encoder: 'dnxhr-sq' },
    handles: options.handles ?? 12,
    folders: [],
  });
  return { plan, result: await runConform(plan, upscale, { overwrite: false }) };
}

beforeAll(() => {
  const picture = 'gblur=2,format=yuv420p';
  ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=720x576:r=50:d=3', '-f', 'lavfi', '-i', 'sine=r=48000:d=3'],
    ...[
      '-vf',
      `${picture},tinterlace=interleave_bottom,${drawNumber(720, 576)},setfield=bff,setdar=4/3,settb=1/25,setpts=N`,
    ],
    ...['-ac', '2', '-c:v', 'dvvideo', '-field_order', 'bb', folder.path('tape.mov')],
  );
  ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=640x480:r=25:d=8', '-f', 'lavfi', '-i', 'sine=f=660:r=48000:d=8'],
    ...[
      '-vf',
      `${picture},${drawNumber(640, 480)}`,
      '-c:v',
      'libx264',
      '-crf',
      '14',
      '-g',
      '48',
      '-c:a',
      'aac',
    ],
    folder.path('film.mp4'),
  );
  writeFileSync(folder.path('project.mlt'), PROJECT);
}, SLOW);

describe('an MLT project', () => {
  let plan: ConformPlan;
  let result: ConformResult;
  const written = (): string => readFileSync(folder.path('project.upreel.mlt'), 'utf8');

  beforeAll(async () => {
    ({ plan, result } = await conform(folder.path('project.mlt')));
  }, SLOW);

  it('has only what is shown upscaled, with handles, each frame once', () => {
    const spans = plan.pieces.map(({ piece }) => [piece.source.path, piece.first, piece.end]);
    expect(spans).toEqual([
      // 10-21, 22-29 and 60-69 of the tape; 12 more to each side touch no other.
      [folder.path('tape.mov'), 0, 42],
      [folder.path('tape.mov'), 48, 75],
      // The film's pieces begin on even frames, so that slow motion at 2/5 moves by whole positions.
      [folder.path('film.mp4'), 18, 60],
      [folder.path('film.mp4'), 88, 143],
      [folder.path('film.mp4'), 158, 192],
    ]);
    expect(result.verified).toBe(true);
  });

  it('stays to the byte where nothing had to change', () => {
    const text = written();
    expect(text).toContain('<!-- a note that stays -->');
    expect(text).toContain('<property name="unheard:of">  stays &amp; stays </property>');
    expect(text).toContain('<track producer="v1"/>');
    const kept = PROJECT.split('\n').filter((line) => text.split('\n').includes(line));
    expect(kept.length).toBeGreaterThan(0.6 * PROJECT.split('\n').length);
    expect(result.kept).toEqual([expect.stringContaining('choppy')]);
  });

  it('says the new size, and scales what is counted in its pixels', () => {
    const root = parseXml(written(), 'project');
    const profile = root.children.find(({ name }) => name === 'profile');
    const read = (name: string): string | undefined => profile?.attributes.get(name)?.value;
    expect([read('width'), read('height'), read('sample_aspect_num')]).toEqual(['960', '720', '1']);
    expect(written()).toContain('>00:00:00.000=0 0 960 720 1;00:00:00.760=240 120 480 360 1<');
    const ids = [...walkXml(root)]
      .map((element) => element.attributes.get('id')?.value)
      .filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('goes on where an earlier run stopped, and replaces nothing', async () => {
    await expect(conform(folder.path('project.mlt'))).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    const again = await runConform({ ...plan, output: folder.path('again.mlt') }, upscale, {
      overwrite: false,
    });
    expect(again.pieces.every(({ verified }) => verified === null)).toBe(true);
  });

  it.skipIf(!hasMelt)(
    'renders the same frames in melt, only larger (skipped where melt is not installed)',
    () => {
      const before = render('project.mlt');
      const after = render('project.upreel.mlt');
      const codes = readCodes(before);
      expect(codes.length).toBe(95);
      expect(new Set(codes).size).toBeGreaterThan(60);
      expect(readCodes(after)).toEqual(codes);
      const levels = comparePictures(after, before, '720:576');
      expect(levels.length).toBe(codes.length);
      expect(Math.min(...levels)).toBeGreaterThan(LEAST_PSNR);
    },
    SLOW,
  );
});

describe('a project that cannot be conformed', () => {
  const change = (name: string, from: string | RegExp, to: string): string => {
    const file = folder.path(name);
    writeFileSync(file, PROJECT.replace(from, to));
    return file;
  };

  it('names every path that was tried for a missing file', async () => {
    const file = change('missing.mlt', 'tape.mov', 'D:\\tapes\\gone.avi');
    await expect(conform(file)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      details: expect.stringContaining(folder.path('gone.avi')) as string,
    });
  });

  it.each([
    ['entities of its own', /<mlt /, '<!DOCTYPE mlt [<!ENTITY a "b">]><mlt '],
    ['an entity that is not declared', 'a note that stays -->', '--><x>&lol;</x>'],
    ['an end that is missing', '</mlt>', ''],
    ['no profile', /<profile[^>]*>/, ''],
  ])('refuses %s', async (_, from, to) => {
    await expect(conform(change('broken.mlt', from, to))).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
    });
  });
});

/** Kdenlive 22.12 wrote it after a mix was made in its timeline; `/media` stands for the folder. */
const SAVED = new URL('timelines/saved.kdenlive', import.meta.url);

describe('a project that Kdenlive saved', () => {
  it.skipIf(!hasMelt)(
    'looks the same with a mix, a moved picture and a gap (melt renders it; Debian: apt-get install melt)',
    async () => {
      writeFileSync(
        folder.path('saved.kdenlive'),
        readFileSync(SAVED, 'utf8').replace('"/media"', `"${folder.path('.')}"`),
      );
      const picture = (source: string, frames: number): string[] => [
        ...['-f', 'lavfi', '-i'],
        `${source}=s=640x480:r=30:d=${String(frames / 30)},gblur=2,format=yuv420p,${drawNumber(640, 480)}`,
      ];
      const codec = ['-c:v', 'libx264', '-crf', '14'];
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'sine=f=440:r=44100:d=6', ...picture('testsrc2', 185)],
        ...['-map', '0:a', '-map', '1:v', ...codec, '-c:a', 'aac', folder.path('a.mp4')],
      );
      ffmpeg(...picture('testsrc', 90), ...codec, folder.path('c.mkv'));
      const { result } = await conform(folder.path('saved.kdenlive'), { handles: 5, to: '800x600' });
      expect(result.pieces.map(({ frames }) => frames)).toEqual([70, 51, 55]);
      // The black track below the others goes on for a quarter of an hour.
      const before = render('saved.kdenlive', 'out=130');
      const after = render('saved.upreel.kdenlive', 'out=130');
      expect(readCodes(after)).toEqual(readCodes(before));
      const levels = comparePictures(after, before, '640:480');
      expect(levels).toHaveLength(131);
      expect(Math.min(...levels)).toBeGreaterThan(LEAST_PSNR);
    },
    SLOW,
  );
});

function render(project: string, ...range: string[]): string {
  const output = folder.path(`${project}.mkv`);
  renderWithMelt([folder.path(project), ...range], output, [
    ...['vcodec=ffv1', 'pix_fmt=yuv420p', 'an=1', 'rescale=bicubic', 'deinterlacer=yadif'],
  ]);
  return output;
}

/** The number that each frame of a render carries. */
function readCodes(file: string): number[] {
  const { stdout } = spawnSync(
    tools.ffmpeg,
    [
      ...['-v', 'error', '-i', file, '-vf', `scale=${String(BARS)}:16:flags=area,crop=${String(BARS)}:1:0:0`],
      ...['-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
    ],
    { maxBuffer: 1 << 26 },
  );
  const frames = Math.floor(stdout.length / BARS);
  return Array.from({ length: frames }, (_, frame) =>
    stdout
      .subarray(frame * BARS, (frame + 1) * BARS)
      .reduce((code, level, bar) => code + (level > 128 ? 2 ** bar : 0), 0),
  );
}

/** Luma PSNR of each frame, the larger picture brought down to the smaller. */
function comparePictures(larger: string, smaller: string, size: string): number[] {
  const stats = folder.path('psnr.txt');
  ffmpeg(
    ...['-i', larger, '-i', smaller, '-lavfi'],
    `[0]scale=${size}:flags=area,setsar=1[a];[1]setsar=1[b];[a][b]psnr=stats_file=${stats}`,
    ...['-f', 'null', '-'],
  );
  return [...readFileSync(stats, 'utf8').matchAll(/psnr_y:(\S+)/g)].map(([, level]) =>
    level === 'inf' ? Infinity : Number(level),
  );
}
