import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BucketFiles } from '../../../src/jobs/cluster/bucket-files.ts';
import { makeClip, makeFolder, runUpreel, useEmbedded } from '../../cli/command-line.ts';
import { decodeFrames, type DecodedTimes } from '../../pipeline/clip-fixture.ts';
import { OPTIONS, useCluster } from './cluster-fixture.ts';
import { hasRedis, makeRedis, type RedisServer } from './redis-fixture.ts';
import { useS3 } from './s3-fixture.ts';

const s3 = useS3();
let folder = '';
let redis: RedisServer;
let whole: DecodedTimes;
const store = `s3://${s3.bucket}/shelf`;
const { args, submit, startWorker, waitForState } = useCluster(
  () => redis.url,
  () => store,
);

describe.skipIf(!hasRedis)('a cluster with a bucket for its store', () => {
  beforeAll(async () => {
    await useEmbedded();
    folder = await makeFolder();
    redis = await makeRedis(path.join(folder, 'redis'));
    await redis.start();
    await mkdir(path.join(folder, 'TAPES'));
    await makeClip(path.join(folder, 'TAPES', 'clip one.mp4'), 60, '160x120');
    const output = path.join(folder, 'local.mkv');
    const local = await runUpreel([
      'upscale',
      path.join(folder, 'TAPES', 'clip one.mp4'),
      '-o',
      output,
      ...OPTIONS,
    ]);
    expect(local.code, local.stderr).toBe(0);
    whole = decodeFrames(output);
  });
  afterAll(() => redis.stop());

  it('takes files of this machine and of the bucket, and makes what one machine makes', async () => {
    const sent = await submit(path.join(folder, 'TAPES'));
    let said = '';
    startWorker().stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await waitForState(sent, 'done');

    const files = await BucketFiles.open(store);
    const fetched = await files.fetch('TAPES/clip one.upreel.mkv', folder);
    expect(decodeFrames(fetched)).toEqual(whole);
    expect(await files.list('.upreel/jobs')).toEqual([]);
    const page = await files.fetch('TAPES/upreel-report/clip one.upreel.mkv.json', folder);
    expect(JSON.parse(await readFile(page, 'utf8'))).toMatchObject({
      source: `${store}/TAPES/clip one.mp4`,
      output: `${store}/TAPES/clip one.upreel.mkv`,
      verify: { ok: true },
      stills: [{ before: expect.stringContaining('stills/1-before.jpg') as unknown }, {}, {}, {}],
    });
    expect(await files.list('TAPES/upreel-report/clip one.upreel.mkv.stills')).toHaveLength(9);

    // The same again, which is there; then what lies in the bucket, by its address.
    const again = await runUpreel(args('submit', path.join(folder, 'TAPES'), '--store', store, ...OPTIONS));
    expect(again.stdout).toMatch(/failed +clip one\.mp4 +.*exists already/);
    const stored = await submit(`${store}/TAPES/clip one.mp4`, '-o', `${store}/OUT/by-address.mkv`);
    await waitForState(stored, 'done');
    expect(decodeFrames(await files.fetch('OUT/by-address.mkv', folder))).toEqual(whole);
    await files.close();
    expect(said).not.toMatch(/http:|S3RVER/);
  }, 240_000);

  it('does not take another file of the same name for the one that it has', async () => {
    const other = path.join(folder, 'other', 'TAPES');
    await mkdir(other, { recursive: true });
    await makeClip(path.join(other, 'clip one.mp4'), 30);
    const { stdout, code } = await runUpreel(
      args('submit', other, '-o', `${store}/elsewhere`, '--store', store, ...OPTIONS),
    );
    expect(stdout).toMatch(/is another file than/);
    expect(code).toBe(9);
  });

  it('tells names that are no files, and outputs that lie elsewhere', async () => {
    const run = (...more: string[]): ReturnType<typeof runUpreel> =>
      runUpreel(args('submit', ...more, '--store', store, ...OPTIONS));
    expect((await run(`${store}/nothing`)).stderr).toContain(`There is no video in ${store}/nothing`);
    const clip = `${store}/TAPES/clip one.mp4`;
    const outside = await run(clip, '-o', 'here.mkv');
    expect(outside.stderr).toContain(`does not lie in the store ${store}`);
    expect(outside.code).toBe(10);
    const inFolder = await run(clip, '-o', `${store}/NEW/`, '--json');
    expect(JSON.parse(inFolder.stdout)).toMatchObject([{ output: `${store}/NEW/clip one.upreel.mkv` }]);
    expect((await run(clip, '-o', clip, '-y')).code).not.toBe(0);
  });
});
