import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { identifyFile } from '../../../src/decode/identify-file.ts';
import { probe } from '../../../src/decode/probe.ts';
import { runFfmpeg } from '../../../src/ffmpeg/process.ts';
import { findTools } from '../../../src/ffmpeg/tools.ts';
import { BucketFiles } from '../../../src/jobs/cluster/bucket-files.ts';
import { FolderFiles } from '../../../src/jobs/cluster/folder-files.ts';
import type { StoreFiles } from '../../../src/jobs/cluster/store-files.ts';
import { decodeFrames, ffmpeg, makeFolder, tools } from '../../pipeline/clip-fixture.ts';
import { useS3 } from './s3-fixture.ts';

const s3 = useS3();
const folder = await makeFolder();
afterAll(folder.remove);
const local = async (name: string, text: string): Promise<string> => {
  const file = folder.path(name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

const STORES: readonly (readonly [string, () => Promise<StoreFiles>])[] = [
  [
    'a folder',
    async () => {
      await mkdir(folder.path('store'), { recursive: true });
      return FolderFiles.open(folder.path('store'));
    },
  ],
  ['a bucket', () => BucketFiles.open(`s3://${s3.bucket}/old/tapes/`)],
];

describe.each(STORES)('%s as a store', (_name, openFiles) => {
  it('gives back what was put there, and tells what is not there', async () => {
    const files = await openFiles();
    await files.writeText('.upreel/a.json', '{"a":1}');
    expect(await files.readText('.upreel/a.json')).toBe('{"a":1}');
    expect(await files.readText('.upreel/b.json')).toBeNull();
    await files.send(await local('x.mkv', 'of this machine'), 'sub/ä tape %04d.mkv');
    expect(await files.exists('sub/ä tape %04d.mkv')).toBe(true);
    expect((await files.list('sub')).sort()).toEqual(['ä tape %04d.mkv']);
    expect(await files.list('')).toEqual(
      expect.arrayContaining(['.upreel/a.json', 'sub/ä tape %04d.mkv']) as unknown,
    );
    expect(await files.locate(files.describe('sub/x.mkv'))).toBe('sub/x.mkv');
    expect(await files.locate(await files.place('sub/x.mkv'))).toBe('sub/x.mkv');
    await files.close();
  });

  it('keeps files and folders that were made for a job, once, and brings them back', async () => {
    const files = await openFiles();
    await files.writeText('.upreel/jobs/1/plan.json', '{}');
    const scratch = await files.makeScratch('.upreel/jobs/1', 'attempt-');
    await writeFile(path.join(scratch, 'one.mp4'), 'segment');
    await mkdir(path.join(scratch, 'pictures'));
    await writeFile(path.join(scratch, 'pictures', '1.png'), 'first');
    await writeFile(path.join(scratch, 'pictures', '2.png'), 'second');
    await files.keep(path.join(scratch, 'one.mp4'), '.upreel/jobs/1/one.mp4');
    await files.keep(path.join(scratch, 'pictures'), '.upreel/jobs/1/pictures');
    expect(await readdir(scratch)).toEqual([]);
    expect(await readFile(await files.fetch('.upreel/jobs/1/one.mp4', scratch), 'utf8')).toBe('segment');
    const pictures = await files.fetch('.upreel/jobs/1/pictures', scratch);
    expect((await readdir(pictures)).sort()).toEqual(['1.png', '2.png']);
    await files.remove('.upreel/jobs/1');
    expect(await files.exists('.upreel/jobs/1/plan.json')).toBe(false);
    await files.close();
  });

  it('gives outputs to the others under their names, files and patterns', async () => {
    const files = await openFiles();
    for (const [key, made] of [
      ['out/film.mp4', ['film.mp4']],
      ['out/shot.%04d.png', ['shot.0001.png', 'shot.0002.png']],
    ] as const) {
      const place = await files.place(key);
      await mkdir(path.dirname(place), { recursive: true });
      for (const name of made) await writeFile(path.join(path.dirname(place), name), name);
      await files.publish(key, { overwrite: false });
      await files.release(key);
    }
    expect((await files.list('out')).sort()).toEqual(['film.mp4', 'shot.0001.png', 'shot.0002.png']);
    await files.close();
  });

  it.each(['../outside', '/etc/passwd', 'a/../../b', 'a//b', '..', '', 'a/./b/../../../c'])(
    'does not follow %j',
    async (key) => {
      const files = await openFiles();
      const outside = ['a//b'].includes(key) && !files.takesFiles;
      if (!outside) {
        await expect(files.open(key)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
        await expect(files.place(key)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
      }
      await files.close();
    },
  );
});

describe('a bucket', () => {
  it('is read by range by every ffmpeg, no more than the part that is wanted, and identified as the file is', async () => {
    const clip = folder.path('long.mkv');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=24', '-c:v', 'rawvideo', clip);
    const files = await BucketFiles.open(`s3://${s3.bucket}`);
    await files.send(clip, 'long clip.mkv');
    const address = await files.open('long clip.mkv');
    const here = await identifyFile(clip);
    expect(await identifyFile(address)).toMatchObject({ size: here.size, sampleSha256: here.sampleSha256 });
    const short = folder.path('short.mp4');
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=1', '-c:v', 'libx264', '-g', '5', short);
    await files.send(short, 'short.mp4');
    const fromBucket = await probe(await files.open('short.mp4'), { tools });
    expect(fromBucket.video).toEqual((await probe(short, { tools })).video);

    const embedded = await findTools({ env: { ...process.env, PATH: '' } });
    for (const each of new Map([embedded, await findTools()].map((one) => [one.ffmpeg, one])).values()) {
      const before = s3.sentBytes();
      const cut = folder.path('cut.mkv');
      const args = [
        '-v',
        'error',
        '-nostdin',
        '-y',
        '-ss',
        '12',
        '-i',
        address,
        '-t',
        '1',
        '-c',
        'copy',
        cut,
      ];
      await runFfmpeg(each, args, { what: 'reading a part' });
      expect(decodeFrames(cut).hashes).toHaveLength(25);
      expect(s3.sentBytes() - before, each.version.text).toBeLessThan(here.size / 2);
    }
    expect(files.rename(`${address}: broken`)).toBe(`s3://${s3.bucket}/long clip.mkv: broken`);
    await files.close();
  });

  it('says what is wrong with addresses, buckets and logins, and no secret', async () => {
    await expect(BucketFiles.open('s3:///x')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(BucketFiles.open('s3://tapes/../x')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(BucketFiles.open('s3://nowhere-at-all/x')).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('NoSuchBucket') as unknown,
      retryable: false,
    });
    const before = { ...process.env };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'geheim' });
    try {
      const refused = await BucketFiles.open(`s3://${s3.bucket}`).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'STORE_UNUSABLE' });
      expect(JSON.stringify(refused)).not.toContain('geheim');
    } finally {
      Object.assign(process.env, before);
    }
  });

  it('leaves nothing on this machine', async () => {
    const before = { ...process.env };
    await mkdir(folder.path('tmp'));
    process.env['TMPDIR'] = folder.path('tmp');
    try {
      const files = await BucketFiles.open(`s3://${s3.bucket}`);
      await files.makeScratch('.upreel/jobs/2', 'attempt-');
      expect(await readdir(folder.path('tmp'))).toHaveLength(1);
      await files.close();
      expect(await readdir(folder.path('tmp'))).toEqual([]);
    } finally {
      delete process.env['TMPDIR'];
      Object.assign(process.env, before);
    }
  });
});
