import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { upscale } from '../../src/index.ts';
import { writeOnnx } from '../../src/infer/graph/onnx-model.ts';
import { makeNetwork } from '../infer/graph-fixture.ts';
import { decodeFrames, ffmpeg, makeFolder, tools } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

const source = folder.path('clip.mkv');
const long = folder.path('long.mkv');
const rgb = folder.path('rgb.onnx');
const luma = folder.path('luma.onnx');

beforeAll(async () => {
  ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      'smptehdbars=s=160x96:d=0.2:r=25',
      '-vf',
      'gblur=2,eq=saturation=0.5',
      '-pix_fmt',
      'yuv420p',
    ],
    ...['-c:v', 'ffv1', source],
  );
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=80x64:d=3.2:r=25', '-pix_fmt', 'yuv420p', '-c:v', 'ffv1', long);
  await writeFile(rgb, writeOnnx(makeNetwork({ channels: 3 })));
  await writeFile(luma, writeOnnx(makeNetwork({ channels: 1 })));
});

/** PSNR of each plane against the source, repeated `times` over. */
function measurePsnr(output: string, times: number): number[] {
  const repeated = `[1:v]scale=iw*${String(times)}:ih*${String(times)}:flags=neighbor[b];[0:v][b]psnr`;
  const { stderr } = spawnSync(tools.ffmpeg, [
    ...['-i', output, '-i', source, '-lavfi', repeated, '-f', 'null', '-'],
  ]);
  const found = /PSNR y:(\S+) u:(\S+) v:(\S+)/.exec(stderr.toString());
  return (found ?? []).slice(1).map((text) => (text === 'inf' ? Infinity : Number(text)));
}

describe('models on footage in YUV', () => {
  it.each([
    ['an RGB network', () => rgb, 2],
    ['a chain of a luma and an RGB network', () => `${luma}+${rgb}`, 4],
    ['an average of RGB networks', () => `${rgb}:0.7,${rgb}:0.3`, 2],
    ['a chain that begins with an average', () => `${luma}:0.7,${luma}:0.3+${rgb}`, 4],
  ])('come out in the colours of the source: %s', async (name, model, scale) => {
    const output = folder.path(`${name}.mkv`);
    const { result, verify } = await upscale(source, { output, encoder: 'ffv1', model: model(), scale });
    expect(verify?.rows.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(decodeFrames(output).hashes).toHaveLength(5);
    // Chroma is resampled twice on its way through RGB.
    const psnr = measurePsnr(output, scale);
    expect(psnr).toHaveLength(3);
    expect(Math.min(...psnr)).toBeGreaterThan(40);
    expect(result).toMatchObject({ device: 'cpu', precision: 'fp32' });
    const blend = result.plan.decisions.find(({ topic }) => topic === 'blend');
    if (name.includes('average')) expect(blend?.reason).toMatch(/weights are averaged/);
    else expect(blend).toBeUndefined();
  });

  it('does not depend on how the work is cut', async () => {
    const model = `${luma}:0.7,${luma}:0.3+${luma}`;
    const whole = await upscale(long, {
      segmentSeconds: 1000,
      output: folder.path('whole.mkv'),
      encoder: 'ffv1',
      model,
      scale: 4,
    });
    const cut = await upscale(long, {
      ...{ output: folder.path('cut.mkv'), encoder: 'ffv1', model, scale: 4 },
      ...{ segmentSeconds: 1, workers: 2, tile: 48 },
    });
    expect(cut.result.plan.segments.length).toBeGreaterThan(whole.result.plan.segments.length);
    expect(decodeFrames(folder.path('cut.mkv'))).toEqual(decodeFrames(folder.path('whole.mkv')));
  });
});
