import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { plan } from '../../src/index.ts';
import { openUpscaler } from '../../src/infer/upscaler.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { loadKernels } from '../../src/kernels/kernels.ts';
import { runSegment } from '../../src/pipeline/run-segment.ts';
import { ffmpeg, makeFolder, tools } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

it('ends a segment that is stopped before the encoder has its first frame, and leaves no file', async () => {
  const source = folder.path('source.mkv');
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:d=0.4:r=25', '-pix_fmt', 'yuv420p', '-c:v', 'ffv1', source);
  const planned = await plan(source, { output: folder.path('out.mkv'), encoder: 'ffv1' });
  const arena = new Arena(planned.resources.arenaBytes);
  const [kernels, upscaler] = await Promise.all([loadKernels(arena), openUpscaler(planned.infer, { arena })]);
  const abort = new AbortController();
  const lane = {
    ...{ arena, kernels, tools },
    upscaler: {
      device: upscaler.device,
      tileSizes: () => upscaler.tileSizes(),
      close: () => upscaler.close(),
      upscale: async (frame: Parameters<typeof upscaler.upscale>[0]) => {
        const result = await upscaler.upscale(frame);
        abort.abort();
        return result;
      },
    },
  };
  const directory = path.dirname(source);
  await expect(runSegment(planned, 0, lane, { directory, signal: abort.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(await readdir(directory)).toEqual(['source.mkv']);
  await upscaler.close();
});
