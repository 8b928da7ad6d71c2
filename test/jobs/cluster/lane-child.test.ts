import process from 'node:process';
import { afterAll, expect, it } from 'vitest';
import { plan } from '../../../src/index.ts';
import { LaneChild } from '../../../src/jobs/cluster/lane-child.ts';
import { BASE_BYTES, laneBytes } from '../../../src/pipeline/resources.ts';
import { ffmpeg, makeFolder, tools } from '../../pipeline/clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

it('runs one segment after another in one process, without anything left of the last', async () => {
  const clip = folder.path('clip.mkv');
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:d=1:r=25', '-c:v', 'ffv1', clip);
  const made = await plan(clip, { model: 'bicubic', device: 'cpu', output: folder.path('big.mkv') });
  const { lanes, memoryBytes } = made.resources;
  expect(BASE_BYTES + lanes * laneBytes(made.resources)).toBe(memoryBytes);

  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  const lane = new LaneChild();
  try {
    const { signal } = new AbortController();
    const run = (index: number): ReturnType<LaneChild['run']> =>
      lane.run({ plan: made, tools, index, directory: folder.path(''), signal, onMessage: () => undefined });
    for (let i = 0; i < 12; i++) await expect(run(99)).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    expect((await run(0)).frames).toBe(made.segments[0]?.expectedFrames);
  } finally {
    await lane.close();
    process.off('warning', listen);
  }
  expect(warnings).toEqual([]);
});
