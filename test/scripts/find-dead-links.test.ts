import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findDeadLinks } from '../../scripts/find-dead-links.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-links-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it('finds files and places that are not there, and nothing else', async () => {
  await mkdir(path.join(folder, 'pages'));
  await writeFile(path.join(folder, 'a picture.png'), '');
  await writeFile(
    path.join(folder, 'index.html'),
    '<a href="pages/one.html#there">1</a><a href="pages/one.html#gone">2</a><a class="x" href="pages/two.html">3</a><img src="a%20picture.png"><a href="https://example.org/x">4</a>',
  );
  await writeFile(
    path.join(folder, 'pages', 'one.html'),
    '<h2 id="there">1</h2><a href="../index.html">2</a><a href="#here">3</a><img src="b.png"/>',
  );
  expect((await findDeadLinks(folder)).sort()).toEqual([
    'index.html: pages/one.html#gone',
    'index.html: pages/two.html',
    'pages/one.html: #here',
    'pages/one.html: b.png',
  ]);
});
