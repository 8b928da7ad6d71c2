import { readdir, truncate, writeFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { upscale, type UpscaleRequest } from '../../src/index.ts';
import { decodeFrames, ffmpeg, makeFolder, type DecodedTimes } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);
const source = folder.path('source.mkv');
const request = (output: string, more: UpscaleRequest = {}): UpscaleRequest => ({
  ...{ output: folder.path(output), model: 'bicubic', encoder: 'ffv1', segmentSeconds: 1, workers: 1 },
  ...more,
});
let whole: DecodedTimes;

beforeAll(async () => {
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:d=6:r=25', '-pix_fmt', 'yuv420p', '-c:v', 'ffv1', source);
  await upscale(source, request('whole.mkv'));
  whole = decodeFrames(folder.path('whole.mkv'));
});

/** Runs until `segments` are finished, and stops there. */
async function begin(options: UpscaleRequest, segments: number): Promise<void> {
  const abort = new AbortController();
  const run = upscale(source, options, {
    signal: abort.signal,
    onProgress: (event) => {
      if (event.type === 'progress' && event.segmentsDone >= segments) abort.abort();
    },
  });
  await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
}

/** Runs to the end and says how many segments were taken over. */
async function finish(options: UpscaleRequest): Promise<number> {
  const resumed: number[] = [];
  const { verify } = await upscale(source, options, {
    onProgress: (event) => {
      if (event.type === 'progress') resumed.push(event.resumedFrames);
    },
  });
  expect(verify?.ok).toBe(true);
  return Math.round((resumed[0] ?? 0) / 25);
}

async function listWork(output: string): Promise<string[]> {
  const directory = folder.path(`.${output}.upreel-work`);
  return (await readdir(directory)).map((name) => path.join(directory, name));
}

describe('the same run again', () => {
  it('runs a segment again that was torn or altered since, and no other', async () => {
    await begin(request('torn.mkv'), 3);
    const files = (await listWork('torn.mkv'))
      .filter((name) => /segment-\d+\.(?!json)\w+$/.test(name))
      .sort();
    const done = (await listWork('torn.mkv')).filter((name) => /segment-\d+\.json$/.test(name)).length;
    expect(done).toBeGreaterThanOrEqual(3);
    const [torn = '', altered = ''] = files;
    await truncate(torn, Math.floor((await stat(torn)).size / 2));
    await writeFile(altered, 'x', { flag: 'a' });
    expect(await finish(request('torn.mkv'))).toBe(done - 2);
    expect(decodeFrames(folder.path('torn.mkv'))).toEqual(whole);
  });

  it('with other options takes nothing over', async () => {
    await begin(request('other.mkv'), 2);
    expect(await finish(request('other.mkv', { model: 'nearest' }))).toBe(0);
  });

  it('with fewer lanes or another tile goes on all the same', async () => {
    await begin(request('lanes.mkv'), 2);
    expect(await finish(request('lanes.mkv', { workers: 2, tile: 64 }))).toBeGreaterThanOrEqual(2);
    expect(decodeFrames(folder.path('lanes.mkv'))).toEqual(whole);
  });

  it('of pictures goes on where some have their names already', async () => {
    const options = request('shot.%03d.png', { encoder: 'png' });
    const abort = new AbortController();
    const run = upscale(source, options, {
      signal: abort.signal,
      onProgress: (event) => {
        if (event.type === 'stage' && event.stage === 'verify') abort.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
    await rm(folder.path('shot.100.png'));
    await upscale(source, options);
    const shots = (await readdir(path.dirname(source))).filter((name) => name.startsWith('shot.'));
    expect(shots.filter((name) => name.endsWith('.png'))).toHaveLength(150);
    expect(shots.filter((name) => name.endsWith('.provenance.json'))).toHaveLength(1);
  });

  it('leaves nothing but what was asked for', async () => {
    const names = await readdir(path.dirname(source));
    expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
