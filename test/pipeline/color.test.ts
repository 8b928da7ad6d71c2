import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { upscale } from '../../src/index.ts';
import { ffmpeg, makeFolder, tools } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

/** Samples of the first frame, planes one after another, in the file's own format. */
function readSamples(file: string): Buffer {
  const { stdout } = spawnSync(
    tools.ffmpeg,
    ['-v', 'error', '-i', file, '-frames:v', '1', '-f', 'rawvideo', '-'],
    {
      maxBuffer: 1 << 28,
    },
  );
  return stdout;
}

async function enlarge(source: string, output: string): Promise<Buffer> {
  const { verify } = await upscale(source, {
    output,
    model: 'bicubic',
    encoder: 'ffv1',
    scale: 2,
    overwrite: true,
  });
  expect(verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
  return readSamples(output);
}

describe('plain resampling keeps code values', () => {
  it.each([
    ['limited range', 'tv', 16, 235],
    ['full range', 'pc', 0, 255],
  ])('of a gray ramp in %s', async (_name, range, low, high) => {
    const [width, height] = [480, 32];
    const source = folder.path(`ramp-${range}.mkv`);
    ffmpeg(
      ...['-f', 'lavfi', '-i', `color=s=${String(width)}x${String(height)}:d=0.12:r=25,format=yuv420p`],
      ...[
        '-vf',
        `geq=lum='${String(low)}+X*${String(high - low)}/${String(width - 1)}':cb=128:cr=128,setparams=range=${range}`,
      ],
      ...['-c:v', 'ffv1', '-color_range', range, source],
    );
    const before = readSamples(source);
    const after = await enlarge(source, folder.path(`ramp-${range}-2x.mkv`));
    for (let x = 8; x < 2 * width - 8; x++) {
      const at = (x + 0.5) / 2 - 0.5;
      const left = Number(before[Math.floor(at)]);
      const right = Number(before[Math.floor(at) + 1]);
      const expected = left + (right - left) * (at - Math.floor(at));
      expect(Math.abs(Number(after[height * 2 * width + x]) - expected)).toBeLessThanOrEqual(1);
    }
    const chroma = after.subarray(4 * width * height);
    expect(chroma.every((value) => value === 128)).toBe(true);
  });

  it.each(['yuv420p', 'yuv422p10le', 'yuv444p'])('of colour bars in %s', async (format) => {
    const source = folder.path(`bars-${format}.mkv`);
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'smptehdbars=s=320x180:d=0.12:r=25',
      '-pix_fmt',
      format,
      '-c:v',
      'ffv1',
      source,
    );
    const deep = format.endsWith('10le');
    const read = (data: Buffer, index: number): number =>
      deep ? data.readUInt16LE(2 * index) : data.readUInt8(index);
    const before = readSamples(source);
    const after = await enlarge(source, folder.path(`bars-${format}-2x.mkv`));
    const chromaWidth = format === 'yuv444p' ? 320 : 160;
    const chromaHeight = format === 'yuv420p' ? 90 : 180;
    const planes = [
      { from: 0, to: 0, width: 320, height: 180 },
      { from: 320 * 180, to: 4 * 320 * 180, width: chromaWidth, height: chromaHeight },
    ];
    // The middle of each flat bar, away from the edges' ringing.
    for (const { from, to, width, height } of planes) {
      for (const part of [0.06, 0.178, 0.286, 0.393, 0.5, 0.607, 0.714, 0.82, 0.94]) {
        const [x, y] = [Math.round(part * width), Math.round(0.3 * height)];
        const expected = read(before, from + y * width + x);
        expect(Math.abs(read(after, to + 2 * y * 2 * width + 2 * x) - expected)).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('a picture', () => {
  it.each(['png', 'tiff'])('becomes one picture as %s, whole by its own checks', async (ending) => {
    const source = folder.path('shot.png');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64', '-frames:v', '1', '-pix_fmt', 'rgb24', source);
    const output = folder.path(`large.${ending}`);
    const { result, verify } = await upscale(source, { output, overwrite: true });
    expect(result.frames).toBe(1);
    expect(verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(readSamples(output)).toHaveLength(3 * 192 * 128);
  });
});
