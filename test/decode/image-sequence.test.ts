import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findImageSequence, isImagePattern } from '../../src/decode/image-sequence.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'upreel-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function touch(...names: string[]): Promise<void> {
  await Promise.all(names.map((name) => writeFile(path.join(folder, name), name)));
}

describe('findImageSequence', () => {
  it('finds the first number and the rate', async () => {
    await touch(
      'shot.0007.png',
      'shot.0008.png',
      'shot.0009.png',
      'shot.8.png',
      'shot.x.png',
      'other.0001.png',
    );
    const sequence = await findImageSequence(path.join(folder, 'shot.%04d.png'), { num: 24000, den: 1001 });
    expect(sequence).toMatchObject({ first: 7, count: 3, notices: [] });
    expect(sequence.inputOptions).toEqual(['-f', 'image2', '-framerate', '24000/1001', '-start_number', '7']);
  });

  it('counts on where the digits run over', async () => {
    await touch('f09.tif', 'f10.tif', 'f99.tif', 'f100.tif');
    expect(await findImageSequence(path.join(folder, 'f%02d.tif'), undefined)).toMatchObject({ count: 2 });
    await touch('g8.tif', 'g9.tif', 'g10.tif');
    expect(await findImageSequence(path.join(folder, 'g%d.tif'), undefined)).toMatchObject({
      first: 8,
      count: 3,
    });
  });

  it('says where a picture is missing, and which rate it took', async () => {
    await touch('a1.png', 'a2.png', 'a4.png');
    const { count, notices } = await findImageSequence(path.join(folder, 'a%d.png'), undefined);
    expect(count).toBe(2);
    expect(notices.map(({ code }) => code)).toEqual(['sequence-gap', 'sequence-rate']);
  });

  it('knows when a picture was changed', async () => {
    await touch('a1.png', 'a2.png');
    const pattern = path.join(folder, 'a%d.png');
    const before = await findImageSequence(pattern, undefined);
    expect((await findImageSequence(pattern, undefined)).identity).toEqual(before.identity);
    await writeFile(path.join(folder, 'a2.png'), 'something else');
    expect((await findImageSequence(pattern, undefined)).identity).not.toEqual(before.identity);
  });

  it('refuses a pattern that nothing matches', async () => {
    await touch('a1.png');
    await expect(findImageSequence(path.join(folder, 'a%03d.png'), undefined)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
    await expect(findImageSequence(path.join(folder, 'no/a%d.png'), undefined)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });
});

describe('isImagePattern', () => {
  it('tells a pattern from a file that is called like one', async () => {
    await touch('film%03d.mp4');
    expect(isImagePattern(path.join(folder, 'film%03d.mp4'))).toBe(false);
    expect(isImagePattern(path.join(folder, 'shot.%04d.png'))).toBe(true);
    expect(isImagePattern(path.join(folder, '100%.png'))).toBe(false);
  });
});
