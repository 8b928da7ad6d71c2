import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { upscale, type UpscaleError, type UpscaleOutcome, type UpscaleRequest } from '../../src/index.ts';
import type { Source } from '../../src/decode/source.ts';
import { hasEvenFrames, parseFrames } from '../../src/pipeline/frame-range.ts';
import { verifyDelivery } from '../../src/measure/verify-delivery.ts';
import { decodeFrames, ffmpeg, ffprobe, makeFolder, tools } from './clip-fixture.ts';
import { spawnSync } from 'node:child_process';

const folder = await makeFolder();
afterAll(folder.remove);

const SOUND = "aevalsrc='0.3*sin(2*PI*(200+150*t)*t)|0.2*sin(2*PI*(900-90*t)*t)':s=48000:d=6";

async function run(source: string, output: string, options: UpscaleRequest): Promise<UpscaleOutcome> {
  const outcome = await upscale(source, {
    output: folder.path(output),
    model: 'lanczos',
    temporal: 'low',
    scale: 1.5,
    overwrite: true,
    ...options,
  });
  expect(outcome.verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
  return outcome;
}

function decodeSound(file: string, ...options: string[]): Int16Array {
  const { stdout } = spawnSync(
    tools.ffmpeg,
    ['-v', 'error', '-i', file, ...options, '-map', '0:a:0', '-f', 's16le', '-ac', '2', '-'],
    { maxBuffer: 1 << 28 },
  );
  return new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length / 2);
}

describe.each([
  {
    name: 'long groups of pictures at 29.97 with drop-frame timecode',
    file: 'ntsc.mov',
    args: [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=144x112:r=30000/1001:d=6', '-f', 'lavfi', '-i', SOUND],
      ...['-vf', 'noise=alls=12:allf=t', '-c:v', 'libx264', '-g', '45', '-bf', '2', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'pcm_s16le', '-timecode', '00:59:58;20', '-metadata:s:v:0', 'reel_name=A007'],
    ],
    options: {},
    timecode: '01:00:00;20',
    framesPerInput: 1,
    frames: [60, 131],
    rate: 30000 / 1001,
  },
  {
    name: 'fields that become frames, without timecode',
    file: 'pal.mov',
    args: [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=144x240:r=50:d=6', '-f', 'lavfi', '-i', SOUND],
      ...['-vf', 'tinterlace=interleave_top,setfield=tff', '-c:v', 'libx264', '-flags', '+ilme+ildct'],
      ...['-g', '40', '-pix_fmt', 'yuv420p', '-c:a', 'pcm_s24le'],
    ],
    options: { deinterlace: 'field' },
    timecode: '00:00:01:14',
    framesPerInput: 2,
    frames: [32, 150],
    rate: 25,
  },
] as const)('frames of $name', ({ file, args, options, timecode, framesPerInput, frames, rate }) => {
  const source = folder.path(file);
  const [first, end] = frames;
  let part: UpscaleOutcome['result'];

  beforeAll(async () => {
    ffmpeg(...args, source);
    const outcome = await run(source, `part-${file}`, {
      frames: `${String(first)}:${String(end)}`,
      encoder: 'prores',
      segmentSeconds: 1,
      ...options,
    });
    part = outcome.result;
  });

  it('are those of a run of the whole file', async () => {
    await run(source, `whole-${file}.mkv`, { encoder: 'ffv1', ...options });
    await run(source, `part-${file}.mkv`, {
      frames: `${String(first)}:${String(end)}`,
      encoder: 'ffv1',
      segmentSeconds: 1,
      ...options,
    });
    const whole = decodeFrames(folder.path(`whole-${file}.mkv`));
    const picked = decodeFrames(folder.path(`part-${file}.mkv`));
    expect(picked.hashes).toEqual(whole.hashes.slice(first * framesPerInput, end * framesPerInput));
    expect(picked.times[0]).toBeCloseTo(0, 3);
  });

  it('have their sound to the sample, and the timecode of their first frame', () => {
    expect(part.frames).toBe((end - first) * framesPerInput);
    const all = decodeSound(source);
    const from = Math.round((first / rate) * 48000);
    const sound = decodeSound(part.output);
    expect(sound.length / 2).toBeCloseTo(Math.min(((end - first) / rate) * 48000, all.length / 2 - from), -1);
    // The sample nearest to the first frame: clocks may round to either side of it.
    const fits = [-1, 0, 1].map((off) =>
      sound.slice(0, -8).every((value, i) => value === all[2 * (from + off) + i]),
    );
    expect(fits).toContain(true);
    const document = ffprobe(part.output);
    const { tags } = document.streams.find(({ tags }) => tags?.['timecode'] !== undefined) ?? {};
    expect(tags?.['timecode']).toBe(timecode);
    expect(document.streams[0]?.duration).toBe(((end - first) / rate).toFixed(6));
  });
});

describe('frames that last a tick of their clock, as in AVI', () => {
  it('begin with the one that is asked for, and are found again by every frame of the source', async () => {
    const source = folder.path('tick.avi');
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=144x112:r=15:d=3', '-f', 'lavfi', '-i', SOUND];
    ffmpeg(...picture, '-c:v', 'mjpeg', '-q:v', '2', '-c:a', 'pcm_s16le', '-t', '3', source);
    await run(source, 'tick-whole.mkv', { encoder: 'ffv1' });
    const { result } = await run(source, 'tick-part.mkv', { frames: '5:11', encoder: 'ffv1' });
    const whole = decodeFrames(folder.path('tick-whole.mkv')).hashes;
    expect(decodeFrames(result.output).hashes).toEqual(whole.slice(5, 11));
    const report = await verifyDelivery({
      tools,
      source: result.plan.source,
      outputPath: result.output,
      run: result,
      thorough: true,
    });
    expect(report.rows.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(report.rows.find(({ check }) => check === 'frames')).toMatchObject({ actual: '6' });
  });
});

it('begin later where the first ones of a torn source do not decode', async () => {
  const [whole, torn] = [folder.path('open.ts'), folder.path('torn.ts')];
  const groups = ['-bf', '4', '-x264-params', 'open-gop=1:b-adapt=0:b-pyramid=0:keyint=20:scenecut=0'];
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=144x112:r=25:d=3', '-c:v', 'libx264', ...groups, whole);
  ffmpeg('-ss', '0.9', '-i', whole, '-c', 'copy', torn);
  const { verify, result } = await run(torn, 'torn.mkv', { frames: '0:8' });
  const rows = new Map(verify?.rows.map((row) => [row.check, row]));
  expect(result.pts.length).toBeLessThan(7);
  expect(rows.get('start')?.actual).toBe(`${(0.04 * (8 - result.pts.length)).toFixed(3)} s`);
});

it('takes a source of a single long frame', async () => {
  const source = folder.path('single.mkv');
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=10', '-frames:v', '1', '-c:v', 'ffv1', source);
  await run(source, 'single-large.mkv', { encoder: 'ffv1' });
});

it('shows the last frame as long as the source does, or says that it cannot', async () => {
  const source = folder.path('pause.gif');
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=10:d=1', '-final_delay', '200', source);
  const note = 'the container does not say how long the last frame is shown';
  const unsaid = { status: 'warning', expected: '2.900 s', note };
  // ffmpeg before 5 does not write it into MP4 either.
  const inMovie = tools.version.major < 5 ? unsaid : { status: 'ok', actual: '2.900 s' };
  for (const [output, expected] of [
    ['pause.mp4', inMovie],
    ['pause.mkv', unsaid],
  ] as const) {
    const { verify } = await run(source, output, { temporal: 'off' });
    expect(verify?.rows.find(({ check }) => check === 'duration')).toMatchObject(expected);
  }
});

describe('chapters of a part', () => {
  it('are those that lie in it, from its start on', async () => {
    const meta = folder.path('chapters.txt');
    const chapter = (start: number, end: number): string =>
      `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${String(start)}\nEND=${String(end)}\ntitle=From ${String(start)}\n`;
    writeFileSync(meta, `;FFMETADATA1\n${chapter(0, 1500)}${chapter(1500, 3000)}${chapter(3000, 4000)}`);
    const source = folder.path('chapters.mkv');
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=4', '-i', meta, '-map', '0', '-map_metadata', '1'],
      ...['-c:v', 'ffv1', source],
    );
    await run(source, 'chapters.mov', { frames: '50:70', encoder: 'prores' });
    const { chapters } = ffprobe(folder.path('chapters.mov'));
    expect(chapters).toMatchObject([{ start_time: '0.000000', tags: { title: 'From 1500' } }]);
  });
});

it.each([
  [{ min: 23, median: 24, max: 25 }, true],
  [{ min: 12, median: 24, max: 1198 }, false],
])('numbers tell times where frames follow each other evenly: %o', (step, isEven) => {
  const scan = { frames: 75, firstPts: 0, lastPts: 74 * 24, step, missingPts: 0, duplicatePts: 0 };
  const video = { frameRate: { num: 25, den: 1 }, timeBase: { num: 1, den: 600 }, scan };
  expect(hasEvenFrames({ video, discontinuous: false } as unknown as Source)).toBe(isEven);
});

describe('frames that make no sense', () => {
  it.each(['10', '10:10', '20:10', ':', 'a:b', '-5:10'])('refuses %s', (text) => {
    expect(() => parseFrames(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as UpscaleError);
  });

  it('refuses to count frames of a varying rate, and ones that are not there', async () => {
    const varying = folder.path('varying.mkv');
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=3', '-vf', "select='lt(mod(n,7),4)'"],
      ...['-vsync', 'vfr', '-c:v', 'ffv1', varying],
    );
    await expect(run(varying, 'x.mkv', { frames: '1:5', encoder: 'ffv1' })).rejects.toThrow(/evenly/);
    const even = folder.path('chapters.mkv');
    await expect(run(even, 'x.mkv', { frames: '500:510', encoder: 'ffv1' })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});
