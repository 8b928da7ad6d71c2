import { afterAll, expect, it } from 'vitest';
import { upscale } from '../../src/index.ts';
import { decodeFrames, ffmpeg, makeFolder } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

it('cuts frames into the tiles that were asked for, and changes no pixel by it', async () => {
  const source = folder.path('source.mkv');
  ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=200x120:d=0.12:r=25',
    '-pix_fmt',
    'yuv420p',
    '-c:v',
    'ffv1',
    source,
  );
  const run = async (tile: number | 'auto') => {
    const output = folder.path(`tile-${String(tile)}.mkv`);
    const { result } = await upscale(source, { output, encoder: 'ffv1', tile });
    return { plan: result.plan.infer.tile, frames: decodeFrames(output) };
  };
  const whole = await run('auto');
  const tiled = await run(64);
  expect(whole.plan).toBeNull();
  expect(tiled.plan).toEqual({ width: 64, height: 64 });
  expect(tiled.frames).toEqual(whole.frames);
});
