import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTools, type FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { upscale } from '../../src/index.ts';
import { verifyFiles } from '../../src/measure/verify-delivery.ts';
import { convert, findFaults, MOVING, PAL_TAGS, SWEEP } from './clip-fixture.ts';

const ENLARGE = 'scale=384:288,setsar=1';
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '14', ...PAL_TAGS];
const KEEP = ['-map', '0:v', '-map', '0:a', '-c:a', 'copy', '-timecode', '01:00:00:00'];

let tools: FfmpegTools;
let folder: string;
let source: string;
const file = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  tools = await findTools();
  folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-verify-'));
  source = await convert(
    tools,
    [
      ['-f', 'lavfi', MOVING],
      ['-f', 'lavfi', SWEEP],
    ],
    file('source.mov'),
    [
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '14', '-bf', '2', ...PAL_TAGS, '-c:a', 'aac'],
      ...['-timecode', '01:00:00:00', '-metadata', 'title=Tape 7', '-metadata:s:a:0', 'language=deu'],
    ],
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Makes an output from the source with `filter` and the given changes of the usual options. */
function make(
  name: string,
  filter: string,
  options: readonly string[] = [...KEEP, ...ENCODE],
): Promise<string> {
  return convert(tools, [[source]], file(name), ['-vf', filter, ...options]);
}

describe('a right output', () => {
  it('passes every check, thorough and quick', async () => {
    const output = await make('good.mov', ENLARGE);
    const { report } = await findFaults(tools, source, output);
    expect(report.rows.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.rows.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        ...['frames', 'times', 'start', 'duration', 'sync 1', 'size', 'shape', 'pixels', 'matrix', 'range'],
        ...['depth', 'decoding', 'picture', 'levels', 'position', 'audio 1', 'sound 1', 'timecode', 'tags'],
      ]),
    );
    const quick = await verifyFiles(source, output, { tools, thorough: false });
    expect(quick.rows.filter(({ status }) => status === 'failed')).toEqual([]);
  });

  it('passes with the same display shape by pixel aspect, and in another container', async () => {
    const output = await make('good.mkv', 'scale=192:288,setsar=2', [
      ...['-map', '0:v', '-map', '0:a', '-c:a', 'copy', '-metadata:s:v:0', 'timecode=01:00:00:00', ...ENCODE],
    ]);
    const { failed, row } = await findFaults(tools, source, output);
    expect(failed).toEqual([]);
    expect(row('pixels')?.status).toBe('warning');
    expect(row('sound 1')?.actual).toBe('the same bytes');
  });

  it('may have a frame for each field of an interlaced source', async () => {
    const interlaced = await convert(
      tools,
      [['-f', 'lavfi', 'testsrc2=size=720x576:rate=50:duration=2']],
      file('fields.mov'),
      [
        ...['-vf', 'tinterlace=mode=interleave_top,setsar=16/15', '-c:v', 'libx264', '-preset', 'ultrafast'],
        ...['-crf', '12', '-flags', '+ildct+ilme', '-x264-params', 'tff=1', ...PAL_TAGS],
      ],
    );
    const doubled = await convert(tools, [[interlaced]], file('frames.mov'), [
      ...['-vf', 'bwdif=mode=send_field:parity=tff,scale=1536:1152,setsar=1', ...ENCODE],
    ]);
    const { failed, row } = await findFaults(tools, interlaced, doubled);
    expect(failed).toEqual([]);
    expect(row('frames')?.expected).toBe('100 (2 x 50)');
  });

  it('may keep a variable frame rate', async () => {
    const varying = await convert(tools, [['-f', 'lavfi', MOVING]], file('varying.mkv'), [
      ...['-vf', "select='lt(mod(n\\,7)\\,4)'", '-vsync', 'passthrough', '-c:v', 'ffv1'],
    ]);
    const kept = await convert(tools, [[varying]], file('kept.mkv'), [
      ...['-vf', ENLARGE, '-vsync', 'passthrough', '-c:v', 'ffv1'],
    ]);
    expect((await findFaults(tools, varying, kept)).failed).toEqual([]);
    const evened = await convert(tools, [[varying]], file('evened.mkv'), [
      ...['-vf', `fps=25,${ENLARGE}`, '-c:v', 'ffv1'],
    ]);
    expect((await findFaults(tools, varying, evened)).failed).toContain('frames');
    const renumbered = await convert(tools, [[varying]], file('renumbered.mkv'), [
      ...['-vf', `setpts=N*1.75/25/TB,${ENLARGE}`, '-vsync', 'passthrough', '-c:v', 'ffv1'],
    ]);
    const { row } = await findFaults(tools, varying, renumbered);
    expect(row('times')?.status).toBe('failed');
  });
});

it('listens to sound that was coded anew where its packets say nothing of it', async () => {
  const inputs = [
    ['-f', 'lavfi', MOVING],
    ['-f', 'lavfi', SWEEP],
  ];
  const windows = await convert(tools, inputs, file('source.wmv'), ['-c:v', 'wmv2', '-c:a', 'wmav2']);
  // Its first packet gives no sound.
  const output = file('anew.mp4');
  const { ffmpeg, ffprobe } = tools;
  const { verify } = await upscale(windows, { output, model: 'lanczos', ffmpeg, ffprobe });
  expect(verify?.rows.find(({ check }) => check === 'sync 1')).toMatchObject({ status: 'ok' });
});

it('hears that sound coded anew is in its place though its first packets are not there', async () => {
  const silent = `${SWEEP},volume=0:enable='lt(t,0.3)'`;
  const begins = await convert(
    tools,
    [
      ['-f', 'lavfi', MOVING],
      ['-f', 'lavfi', silent],
    ],
    file('silent.mov'),
    [...ENCODE, '-c:a', 'pcm_s16le'],
  );
  const output = await convert(tools, [[begins]], file('without-silence.mov'), [
    ...['-vf', ENLARGE, ...ENCODE, '-af', 'atrim=start=0.2', '-c:a', 'aac'],
  ]);
  const { row } = await findFaults(tools, begins, output);
  expect(row('sync 1')).toMatchObject({ status: 'ok', note: 'as it is heard' });
});

it.each(['mkv', 'mov'])(
  'begins with the first frame where a file says no time of any: to %s',
  async (ending) => {
    const inputs = [
      ['-f', 'lavfi', MOVING],
      ['-f', 'lavfi', SWEEP],
    ];
    const untimed = await convert(tools, inputs, file('untimed.avi'), [
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-c:a', 'pcm_s16le'],
    ]);
    const { ffmpeg, ffprobe } = tools;
    const output = file(`timed.${ending}`);
    const { verify } = await upscale(untimed, { output, model: 'lanczos', ffmpeg, ffprobe });
    const rows = verify?.rows.filter(({ check }) => check === 'start' || check === 'sync 1');
    expect(rows).toMatchObject([
      { check: 'start', status: 'ok', actual: '0.000 s' },
      { check: 'sync 1', status: 'ok', actual: expect.stringMatching(/^0\.00 ms at the start/) as unknown },
    ]);
  },
);

it('counts drop-frame timecode where the source has milliseconds alone', async () => {
  const fast = 'testsrc2=size=192x144:rate=60000/1001:duration=0.5';
  const source = await convert(tools, [['-f', 'lavfi', fast]], file('fast.mkv'), [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-metadata:s:v', 'timecode=00:01:15;26'],
  ]);
  const { ffmpeg, ffprobe } = tools;
  const { verify } = await upscale(source, { output: file('fast.mov'), model: 'lanczos', ffmpeg, ffprobe });
  const row = verify?.rows.find(({ check }) => check === 'timecode');
  expect(row).toMatchObject({ status: 'ok', actual: '00:01:15;26' });
  expect(verify?.ok).toBe(true);
});

it('does not call a picture shifted whose lines were to be made of fields that it has not', async () => {
  const pan = 'testsrc2=size=352x400:rate=25:duration=2,crop=352:288:0:mod(n*3\\,100)';
  const whole = await convert(tools, [['-f', 'lavfi', pan]], file('pan.mkv'), ['-c:v', 'ffv1']);
  const { ffmpeg, ffprobe } = tools;
  const output = file('pan.mp4');
  const { verify } = await upscale(whole, {
    ...{ output, model: 'lanczos', deinterlace: 'frame', ffmpeg, ffprobe },
  });
  expect(verify?.rows.find(({ check }) => check === 'position')).toMatchObject({ status: 'ok' });
  expect(verify?.ok).toBe(true);
});

describe('a wrong output', () => {
  it.each([
    ['a frame is missing', `select='not(eq(n,40))',${ENLARGE}`, ['frames']],
    [
      'a frame is replaced by its neighbour',
      `${ENLARGE},select='not(eq(n,40))',setpts=N/25/TB,tpad=stop=1`,
      ['picture'],
    ],
    [
      'all frames show the one before',
      `${ENLARGE},tpad=start=1:start_mode=clone,trim=end_frame=75`,
      ['picture'],
    ],
    ['it is mirrored', `${ENLARGE},hflip`, ['picture', 'levels']],
    ['it is shifted', 'scale=384:288,crop=380:284:4:4,pad=384:288,setsar=1', ['position']],
    ['its pixel aspect is wrong', 'scale=384:288,setsar=16/15', ['shape']],
    ['its range was stretched', 'scale=384:288:out_range=pc,setsar=1', ['levels']],
    ['it was made grey', `${ENLARGE},hue=s=0`, ['picture', 'levels']],
  ])('%s', async (name, filter, expected) => {
    const { failed, report } = await findFaults(
      tools,
      source,
      await make(`${name.replaceAll(' ', '-')}.mov`, filter, [...KEEP, ...ENCODE, '-vsync', 'passthrough']),
    );
    expect(failed).toEqual(expect.arrayContaining(expected));
    expect(report.ok).toBe(false);
  });

  it('has a wrong matrix tag', async () => {
    const output = await make('matrix.mov', ENLARGE, [...KEEP, ...ENCODE, '-colorspace', 'bt709']);
    expect((await findFaults(tools, source, output)).failed).toContain('matrix');
  });

  it('has lost the timecode and the sound', async () => {
    const output = await make('bare.mov', ENLARGE, ['-an', '-map_metadata', '-1', ...ENCODE]);
    const { failed, row } = await findFaults(tools, source, output);
    expect(failed).toEqual(['audio 1', 'timecode']);
    expect(row('audio 1')?.note).toBe('the track is missing');
    expect(row('tags')?.note).toContain('title');
  });

  it('plays the sound late', async () => {
    const output = await convert(tools, [[source], ['-itsoffset', '0.12', source]], file('late.mov'), [
      ...[
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-c:a',
        'copy',
        '-vf',
        ENLARGE,
        '-timecode',
        '01:00:00:00',
        ...ENCODE,
      ],
    ]);
    expect((await findFaults(tools, source, output)).failed).toEqual(['sync 1']);
  });

  it('has late sound behind right times', async () => {
    const output = await make('delayed.mov', ENLARGE, [
      ...['-map', '0:v', '-map', '0:a', '-c:a', 'aac', '-af', 'adelay=120|120', '-timecode', '01:00:00:00'],
      ...ENCODE,
    ]);
    const { failed, row } = await findFaults(tools, source, output);
    expect(failed).toContain('sound 1');
    expect(row('sound 1')?.note).toContain('late');
  });

  it('counts the timecode without dropping', async () => {
    const drop = await convert(
      tools,
      [['-f', 'lavfi', 'testsrc2=size=192x144:rate=30000/1001:duration=1']],
      file('drop.mov'),
      ['-c:v', 'libx264', '-timecode', '00:59:59;20', ...PAL_TAGS],
    );
    const lost = await convert(tools, [[drop]], file('nondrop.mov'), [
      ...['-vf', ENLARGE, '-timecode', '00:59:59:20', ...ENCODE],
    ]);
    expect((await findFaults(tools, drop, lost)).failed).toEqual(['timecode']);
  });

  it('has fewer bits', async () => {
    const deep = await convert(tools, [['-f', 'lavfi', MOVING]], file('deep.mkv'), [
      ...['-c:v', 'ffv1', '-pix_fmt', 'yuv422p10le'],
    ]);
    const flat = await convert(tools, [[deep]], file('flat.mkv'), [
      ...['-vf', ENLARGE, '-c:v', 'ffv1', '-pix_fmt', 'yuv420p'],
    ]);
    const { row } = await findFaults(tools, deep, flat);
    expect(row('depth')?.status).toBe('failed');
    expect(row('chroma')?.status).toBe('warning');
  });

  it('is cut off', async () => {
    const whole = await make('whole.mkv', ENLARGE, ['-map', '0:v', ...ENCODE]);
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(whole);
    await writeFile(file('cut.mkv'), bytes.subarray(0, bytes.length * 0.6));
    expect((await findFaults(tools, source, file('cut.mkv'))).failed).toContain('frames');
  });

  it('is no video at all', async () => {
    await writeFile(file('text.mov'), 'not a video');
    const { failed } = await findFaults(tools, source, file('text.mov'));
    expect(failed).toEqual(['file']);
  });

  it('is not there', async () => {
    await expect(findFaults(tools, source, file('nothing.mov'))).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });
});
