import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../../src/jobs/cluster/queue.ts';
import { parseQueueAddress } from '../../../src/jobs/cluster/queue-address.ts';
import { makeClip, makeFolder, runUpreel, spawnUpreel } from '../../cli/command-line.ts';
import { decodeFrames, type DecodedTimes } from '../../pipeline/clip-fixture.ts';
import { hasRedis, makeRedis, type RedisServer } from './redis-fixture.ts';

const OPTIONS = [
  ...['--model', 'lanczos', '--scale', '3', '--encoder', 'ffv1', '--segment-seconds', '1'],
  ...['--device', 'cpu', '--no-overwrite'],
];

let folder = '';
let store = '';
let redis: RedisServer;
let whole: DecodedTimes;
let workers: ChildProcess[] = [];

const inStore = (name: string): string => path.join(store, name);
const cluster = (...args: string[]): string[] => [...args, '--queue', redis.url];

describe.skipIf(!hasRedis)('a cluster', () => {
  beforeAll(async () => {
    folder = await makeFolder();
    store = path.join(folder, 'store');
    await mkdir(store);
    redis = await makeRedis(path.join(folder, 'redis'));
    await redis.start();
    await makeClip(inStore('clip.mp4'), 150, '160x120');
    await makeClip(inStore('other.mp4'), 30, '160x120');
    const output = path.join(folder, 'local.mkv');
    const local = await runUpreel(['upscale', inStore('clip.mp4'), '-o', output, ...OPTIONS]);
    expect(local.code, local.stderr).toBe(0);
    whole = decodeFrames(output);
  });
  afterEach(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    workers = [];
    await wait(200);
  });
  afterAll(() => redis.stop());

  it('makes what one machine makes, though a worker is killed, one comes late and Redis starts again', async () => {
    const output = inStore('out.mkv');
    const id = await submit('clip.mp4', 'out.mkv');
    const again = await runUpreel(
      cluster('submit', inStore('clip.mp4'), '-o', output, '--store', store, ...OPTIONS, '--json'),
    );
    expect(JSON.parse(again.stdout)).toMatchObject([{ id, isNew: false }]);

    const first = startWorker();
    startWorker();
    await waitFor(async () => (await listAttempts(id)).length > 0);
    first.kill('SIGKILL');
    startWorker();
    await redis.stop();
    await wait(1000);
    await redis.start();
    await waitForState(id, 'done');
    expect(decodeFrames(output)).toEqual(whole);
    expect(await readdir(inStore('.upreel/jobs'))).toEqual([]);
    const report = JSON.parse(await readFile(inStore('upreel-report/out.mkv.json'), 'utf8')) as object;
    expect(report).toMatchObject({ verify: { ok: true } });
  }, 300_000);

  it('fails a job whose segment always brings its lane down, with the reason, and no other', async () => {
    const poisoned = await submit('clip.mp4', 'poisoned.mkv');
    const healthy = await submit('other.mp4', 'healthy.mkv');
    const worker = startWorker();
    let isOver = false;
    const poison = async (): Promise<void> => {
      while (!isOver) {
        if ((await listAttempts(poisoned)).some((name) => name.startsWith('attempt-1-'))) {
          for (const pid of await listChildren(worker.pid ?? 0)) killIfThere(pid);
        }
        await wait(20);
      }
    };
    const poisoning = poison();
    try {
      await waitForState(healthy, 'done');
      const { reason } = await waitForState(poisoned, 'failed');
      expect(reason).toMatch(/segment 1: .*broke down.*SIGKILL/);
    } finally {
      isOver = true;
      await poisoning;
    }
    expect((await runUpreel(cluster('jobs'))).stdout).toMatch(/failed .*poisoned\.mkv: segment 1: /);

    // Without the poison it comes to its end, from where it was.
    expect((await runUpreel(cluster('jobs', 'retry', poisoned))).code).toBe(0);
    await waitForState(poisoned, 'done');
    expect(decodeFrames(inStore('poisoned.mkv'))).toEqual(whole);
  }, 300_000);

  it('cancels and reprioritises, and believes nothing that stands in Redis', async () => {
    const id = await submit('clip.mp4', 'never.mkv');
    expect((await runUpreel(cluster('jobs', 'priority', id, '5'))).code).toBe(0);
    expect((await list()).find(({ job }) => job.id === id)?.job.priority).toBe(5);
    expect((await runUpreel(cluster('jobs', 'cancel', id, '--store', store))).code).toBe(0);
    expect((await list()).map(({ job }) => job.id)).not.toContain(id);

    const { connection } = parseQueueAddress(redis.url);
    const queue = new Queue('upreel', { connection });
    const hostile = { id: '../../../../etc', fleet: 'x', output: '/etc/passwd', segments: -1 };
    const job = await queue.add('assembly', hostile);
    startWorker();
    await waitFor(async () => (await job.getState()) === 'failed');
    const failed = await queue.getJob(job.id ?? '');
    expect(failed?.failedReason).toContain('makes no sense');
    await queue.close();
  }, 120_000);

  it('refuses sources outside of the store, and names neither passwords nor stacks when nothing answers', async () => {
    await makeClip(path.join(folder, 'outside.mp4'), 10);
    const outside = await runUpreel(cluster('submit', path.join(folder, 'outside.mp4'), '--store', store));
    expect(outside.code).toBe(10);
    expect(outside.stderr).toContain('does not lie in the store');
    const away = await runUpreel(['jobs', '--queue', 'redis://user:geheim@127.0.0.1:1/0']);
    expect(away.code).toBe(10);
    expect(away.stderr).toContain('127.0.0.1:1/0');
    expect(away.stderr + away.stdout).not.toContain('geheim');
  });

  it('counts for Prometheus', async () => {
    const worker = startWorker('--metrics', '0');
    let said = '';
    worker.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await waitFor(async () => Promise.resolve(/Metrics on port \d+/.test(said)));
    const port = /Metrics on port (\d+)/.exec(said)?.[1] ?? '';
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toMatch(/^upreel_segments_waiting 0$/m);
    expect(text).toMatch(/^upreel_lanes_busy 0$/m);
  });
});

async function submit(source: string, output: string): Promise<string> {
  const args = cluster(
    'submit',
    inStore(source),
    '-o',
    inStore(output),
    '--store',
    store,
    ...OPTIONS,
    '--json',
  );
  const { code, stdout, stderr } = await runUpreel(args);
  expect(code, stderr).toBe(0);
  const [submitted] = JSON.parse(stdout) as { id: string; isNew: boolean }[];
  expect(submitted?.isNew).toBe(true);
  return submitted?.id ?? '';
}

function startWorker(...more: string[]): ChildProcess {
  const worker = spawnUpreel(cluster('worker', '--store', store, '--lanes', '1', ...more));
  if (process.env['UPREEL_TEST_LOG'] !== undefined) worker.stderr.pipe(process.stderr);
  workers.push(worker);
  return worker;
}

async function list(): Promise<JobStatus[]> {
  return JSON.parse((await runUpreel(cluster('jobs', '--json'))).stdout) as JobStatus[];
}

async function waitForState(id: string, state: string): Promise<JobStatus> {
  let found: JobStatus | undefined;
  await waitFor(async () => {
    found = (await list()).find(({ job }) => job.id === id);
    if (found?.state === 'failed' && state !== 'failed') throw new Error(found.reason ?? 'failed');
    return found?.state === state;
  });
  if (found === undefined) throw new Error(`There is no job ${id}.`);
  return found;
}

async function waitFor(test: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await test()) return;
    await wait(200);
  }
  throw new Error('It never came to be.');
}

async function listAttempts(id: string): Promise<string[]> {
  const names = await readdir(inStore(path.join('.upreel/jobs', id))).catch((): string[] => []);
  return names.filter((name) => name.startsWith('attempt-'));
}

async function listChildren(parent: number): Promise<number[]> {
  const text = await readFile(`/proc/${String(parent)}/task/${String(parent)}/children`, 'utf8').catch(
    () => '',
  );
  return text.trim().split(' ').filter(Boolean).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}
