import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeFolder, runUpreel, spawnUpreel, useEmbedded } from '../cli/command-line.ts';
import { decodeFrames, type DecodedTimes } from './clip-fixture.ts';

/** Kills of a run at random moments; the bench's number is 20. */
const KILLS = Number(process.env['UPREEL_CRASHES'] ?? 4);
const RUN = [
  ...['--model', 'lanczos', '--scale', '3', '--encoder', 'ffv1', '--segment-seconds', '1'],
  ...['--workers', '2', '--progress', 'json', '--device', 'cpu'],
];

let folder = '';
let clip = '';
let straight: DecodedTimes;
let straightMs = 0;

beforeAll(async () => {
  await useEmbedded();
  folder = await makeFolder();
  clip = path.join(folder, 'clip.mp4');
  await makeClip(clip, 200, '160x120');
  const output = path.join(folder, 'straight.mkv');
  const started = performance.now();
  expect((await runUpreel(['upscale', clip, '-o', output, ...RUN])).code).toBe(0);
  straightMs = performance.now() - started;
  straight = decodeFrames(output);
});

describe('a run that is killed', () => {
  it(`${String(KILLS)} times at random moments ends with the pixels of a straight one, and leaves nothing else`, async () => {
    const output = path.join(folder, 'killed.mkv');
    const args = ['upscale', clip, '-o', output, ...RUN];
    let finished = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawnUpreel(args);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const closed = new Promise((resolve) => child.on('close', resolve));
      await Promise.race([wait(Math.random() * straightMs), closed]);
      child.kill('SIGKILL');
      await closed;
      // What was finished before is taken over: a kill costs no more than what the lanes are at.
      const resumed = /"segmentsDone":(\d+)/.exec(said)?.[1];
      if (resumed !== undefined) expect(Number(resumed)).toBeGreaterThanOrEqual(finished);
      finished = await countRecords();
      if (!(await readdir(folder)).includes('killed.mkv')) continue;
      // Killed at or behind its end: whole all the same, and the next kills are those of a run from its start.
      await finish(args, output);
      await rm(output);
      finished = 0;
    }
    await finish(args, output);
    expect((await readdir(folder)).sort()).toEqual(['clip.mp4', 'killed.mkv', 'straight.mkv']);
    await expectNoOrphans();
  }, 600_000);

  it('is refused a second run at the same time, and the second says why', async () => {
    const output = path.join(folder, 'twice.mkv');
    const args = ['upscale', clip, '-o', output, ...RUN];
    // Held in the middle, so that the second one cannot come after its end.
    const child = spawnUpreel(args);
    const closed = new Promise((resolve) => child.on('close', resolve));
    child.stderr.setEncoding('utf8');
    for await (const text of child.stderr.iterator({ destroyOnReturn: false })) {
      if (String(text).includes('"type":"progress"')) break;
    }
    child.kill('SIGSTOP');
    const second = await runUpreel(args);
    child.kill('SIGCONT');
    child.stderr.resume();
    expect([await closed, second.code]).toEqual([0, 4]);
    expect(second.stderr).toMatch(/Another run \(process \d+\) is making this output\./);
    expect(decodeFrames(output)).toEqual(straight);
  });
});

async function finish(args: readonly string[], output: string): Promise<void> {
  const { code, stderr } = await runUpreel(args);
  // Killed behind the very end, there was nothing left to do but to say so.
  expect([0, 4], stderr).toContain(code);
  expect(decodeFrames(output)).toEqual(straight);
}

async function countRecords(): Promise<number> {
  const work = (await readdir(folder)).find((name) => name.endsWith('.upreel-work'));
  if (work === undefined) return 0;
  return (await readdir(path.join(folder, work))).filter((name) => /^segment-\d+\.json$/.test(name)).length;
}

/** What was killed cannot end its children; they end by themselves when their pipes do. */
async function expectNoOrphans(): Promise<void> {
  let left: string[] = [];
  for (let attempt = 0; attempt < 50; attempt++) {
    left = await listProcesses();
    if (left.length === 0) return;
    await wait(100);
  }
  expect(left).toEqual([]);
}

async function listProcesses(): Promise<string[]> {
  const entries = await readdir('/proc').catch((): string[] => []);
  const lines = await Promise.all(
    entries
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(folder));
}
