import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSources, type FindOptions } from '../../src/jobs/find-sources.ts';
import { nameOutputs } from '../../src/jobs/name-outputs.ts';
import { makeFolder } from '../pipeline/clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);
const root = folder.path('tapes');

beforeAll(async () => {
  const files = ['b.AVI', 'a.mov', 'a.upreel.mp4', 'notes.txt', '.hidden.avi', 'sub/c.dv', 'sub/deep/d.mkv'];
  files.push('out/e.mp4', 'upreel-report/f.mp4', '.a.mp4.upreel-work/segment-00000.mov');
  for (const file of files) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), '');
  }
  await symlink('a.mov', path.join(root, 'link.mov'));
  await symlink('..', path.join(root, 'sub', 'loop'));
});

async function find(options: Partial<FindOptions> = {}): Promise<string[]> {
  const outputFolder = path.join(root, 'out');
  const all = { recursive: false, include: null, exclude: [], outputFolder, ...options };
  return (await findSources(root, all)).map((file) => path.relative(root, file));
}

describe('findSources', () => {
  it('takes what is video by its name, and nothing that Upreel made', async () => {
    expect(await find()).toEqual(['a.mov', 'b.AVI', 'link.mov']);
    expect(await find({ recursive: true })).toEqual([
      'a.mov',
      'b.AVI',
      'link.mov',
      'sub/c.dv',
      'sub/deep/d.mkv',
    ]);
  });

  it('goes by patterns of names and of paths', async () => {
    expect(await find({ include: ['*.avi', '*.txt'] })).toEqual(['b.AVI', 'notes.txt']);
    expect(await find({ recursive: true, include: ['*.{dv,mkv}'] })).toEqual(['sub/c.dv', 'sub/deep/d.mkv']);
    expect(await find({ recursive: true, include: ['sub/*'] })).toEqual(['sub/c.dv']);
    expect(await find({ recursive: true, exclude: ['sub', 'link.*'] })).toEqual(['a.mov', 'b.AVI']);
  });

  it('says so when nothing is left', async () => {
    await expect(find({ include: ['*.wmv'] })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});

describe('nameOutputs', () => {
  const name = (sources: string[], to: string | null = '/out'): string[] => [
    ...nameOutputs(
      sources.map((source) => `/tapes/${source}`),
      { root: '/tapes', folder: to },
    ).values(),
  ];

  it('repeats the folders, and keeps endings only where names would collide', () => {
    expect(name(['a.avi', 'sub/a.avi', 'b.avi', 'B.mov'])).toEqual([
      '/out/a',
      '/out/sub/a',
      '/out/b.avi',
      '/out/B.mov',
    ]);
    expect(name(['a.avi'], null)).toEqual(['/tapes/a.upreel']);
  });

  it('never gives two outputs one name, whatever their endings', () => {
    const names = name(['a.avi', 'a.mov', 'a.avi.mkv', 'A.AVI', 'a.avi-2.mp4']);
    expect(new Set(names.map((entry) => entry.toLowerCase())).size).toBe(names.length);
  });
});
