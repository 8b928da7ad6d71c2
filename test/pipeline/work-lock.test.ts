import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, expect, it } from 'vitest';
import { isLocked, takeLock } from '../../src/pipeline/work-lock.ts';
import { makeFolder } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

const BUSY = expect.objectContaining({ code: 'OUTPUT_BUSY' }) as Error;

it('is taken by one of many who come at once', async () => {
  const file = folder.path('many');
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(file)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await isLocked(file)).toBe(true);
  await expect(takeLock(file)).rejects.toEqual(BUSY);
});

it('is taken over from a process that is gone, by one of those who try', async () => {
  const file = folder.path('stale');
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('close', resolve));
  await writeFile(file, JSON.stringify({ pid: child.pid, host: os.hostname(), started: null }));
  expect(await isLocked(file)).toBe(false);
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => takeLock(file)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
});

it('is not mistaken for that of a later process of the same number', async () => {
  const file = folder.path('reused');
  await writeFile(file, JSON.stringify({ pid: process.ppid, host: os.hostname(), started: 'boot:1' }));
  // Without /proc a number is all there is to go by.
  expect(await isLocked(file)).toBe(process.platform !== 'linux');
});

it('of another machine is respected, and the way out is said', async () => {
  const file = folder.path('remote');
  await writeFile(file, JSON.stringify({ pid: 1, host: 'another', started: null }));
  await expect(takeLock(file)).rejects.toMatchObject({
    code: 'OUTPUT_BUSY',
    message: expect.stringContaining('another') as string,
    hint: expect.stringContaining(file) as string,
  });
});

it('leaves no other files behind', async () => {
  const names = await readdir(path.dirname(folder.path('x')));
  expect(names.sort()).toEqual(['many', 'remote', 'reused', 'stale']);
});
