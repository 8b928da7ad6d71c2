import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { upscale, type UpscaleRequest } from '../../src/index.ts';
import { decodeFrames, ffmpeg, listPackets, makeFolder, type DecodedTimes } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

let counter = 0;

async function run(
  source: string,
  options: UpscaleRequest,
): Promise<{ frames: DecodedTimes; segments: number }> {
  const output = folder.path(`out-${String(counter++)}.mkv`);
  const { result, verify } = await upscale(source, { output, encoder: 'ffv1', ...options });
  expect(verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
  return { frames: decodeFrames(output), segments: result.plan.segments.length };
}

/**
 * The decoded pixels and times of the output do not depend on how the work was cut: one segment or many, one lane or two. Temporal
 * blending and deinterlacing look at neighbours, so they are on.
 */
describe.each([
  {
    name: 'interlaced MPEG-4 AVC in MP4 with B-frames',
    file: 'interlaced.mp4',
    args: [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=96x128:r=50:d=3.6'],
      ...['-vf', 'tinterlace=interleave_top,setfield=tff,noise=alls=12:allf=t'],
      ...['-c:v', 'libx264', '-flags', '+ilme+ildct', '-g', '22', '-pix_fmt', 'yuv420p'],
    ],
    options: { deinterlace: 'field', temporal: 'medium', model: 'realtime' },
    framesPerInput: 2,
  },
  {
    name: 'variable frame rate in Matroska',
    file: 'vfr.mkv',
    args: [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=96x80:r=25:d=4'],
      ...['-vf', "select='not(eq(mod(n,7),3))',noise=alls=12:allf=t", '-vsync', 'vfr'],
      ...['-c:v', 'libx264', '-g', '16', '-pix_fmt', 'yuv420p'],
    ],
    options: { temporal: 'high', faithful: true },
    framesPerInput: 1,
  },
  {
    name: 'a transport stream, which is decoded from its start',
    file: 'stream.ts',
    args: [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=96x80:r=25:d=3.6', '-vf', 'noise=alls=12:allf=t'],
      ...['-c:v', 'mpeg2video', '-q:v', '4', '-bf', '2', '-pix_fmt', 'yuv420p'],
    ],
    options: { temporal: 'low', model: 'realtime' },
    framesPerInput: 1,
  },
] as const)('$name', ({ file, args, options, framesPerInput }) => {
  const source = folder.path(file);
  let whole: DecodedTimes;

  beforeAll(async () => {
    ffmpeg(...args, source);
    const one = await run(source, { ...options, segmentSeconds: 1000, workers: 1 });
    whole = one.frames;
  });

  it('gives every frame once, at its time', () => {
    const before = decodeFrames(source);
    expect(whole.times.length).toBe(before.times.length * framesPerInput);
    const start = before.times[0] ?? 0;
    const origin = file.endsWith('.ts') ? start : 0;
    before.times.forEach((time, i) => {
      expect(Math.abs((whole.times[i * framesPerInput] ?? 0) - (time - origin))).toBeLessThan(0.0011);
    });
  });

  it('is the same in many segments, on one lane and on two', async () => {
    for (const workers of [1, 2]) {
      const cut = await run(source, { ...options, segmentSeconds: 1.1, workers });
      expect(cut.segments).toBeGreaterThan(2);
      expect(cut.frames).toEqual(whole);
    }
  });
});

it('a hole where nothing decodes, longer than a segment, costs no more than its frames', async () => {
  const whole = folder.path('whole.mov');
  const source = folder.path('hole.mov');
  const filter = ['-vf', 'noise=alls=12:allf=t', '-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'];
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x80:r=25:d=6', ...filter, whole);
  // Whole frames: what a decoder shows of a torn one is left from whatever was there before.
  const bytes = await readFile(whole);
  for (const { pos, size } of listPackets(whole).slice(52, 112)) {
    bytes.fill(0, Number(pos), Number(pos) + Number(size));
  }
  await writeFile(source, bytes);
  const options = { temporal: 'medium', model: 'realtime' } as const;
  const one = await run(source, { ...options, segmentSeconds: 1000, workers: 1 });
  expect(one.frames.times).toEqual(decodeFrames(source).times);
  expect(one.frames.times.length).toBe(90);
  const cut = await run(source, { ...options, segmentSeconds: 0.7, workers: 2 });
  expect(cut.segments).toBeGreaterThan(4);
  expect(cut.frames).toEqual(one.frames);
});
