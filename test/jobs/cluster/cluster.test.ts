import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseQueueAddress } from '../../../src/jobs/cluster/queue-address.ts';
import { makeClip, makeFolder, runUpreel, useEmbedded } from '../../cli/command-line.ts';
import { decodeFrames, type DecodedTimes } from '../../pipeline/clip-fixture.ts';
import { OPTIONS, useCluster, waitFor } from './cluster-fixture.ts';
import { hasRedis, makeRedis, type RedisServer } from './redis-fixture.ts';

let folder = '';
let store = '';
let redis: RedisServer;
let whole: DecodedTimes;

const inStore = (name: string): string => path.join(store, name);
const {
  args: cluster,
  list,
  startWorker,
  waitForState,
  ...machines
} = useCluster(
  () => redis.url,
  () => store,
);
const submit = (source: string, output: string): Promise<string> =>
  machines.submit(inStore(source), '-o', inStore(output));

describe.skipIf(!hasRedis)('a cluster', () => {
  beforeAll(async () => {
    await useEmbedded();
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
          for (const pid of await listLanes(worker.pid ?? 0)) killIfThere(pid);
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

    const begun = await submit('clip.mp4', 'never-either.mkv');
    const worker = startWorker();
    await waitFor(async () => (await listAttempts(begun)).length > 0);
    const cancelled = await runUpreel(cluster('jobs', 'cancel', begun, '--store', store));
    expect(cancelled.code, cancelled.stderr).toBe(0);
    expect(await readdir(inStore('.upreel/jobs'))).not.toContain(begun);
    worker.kill('SIGKILL');

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
    await waitFor(() => /Metrics on port \d+/.test(said));
    const port = /Metrics on port (\d+)/.exec(said)?.[1] ?? '';
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toMatch(/^upreel_segments_waiting 0$/m);
    expect(text).toMatch(/^upreel_lanes_busy 0$/m);
  });
});

async function listAttempts(id: string): Promise<string[]> {
  const names = await readdir(inStore(path.join('.upreel/jobs', id))).catch((): string[] => []);
  return names.filter((name) => name.startsWith('attempt-'));
}

/** Lanes alone: the worker may assemble and check another file meanwhile, by processes that are no lane's. */
async function listLanes(parent: number): Promise<number[]> {
  const text = await readFile(`/proc/${String(parent)}/task/${String(parent)}/children`, 'utf8').catch(
    () => '',
  );
  const pids = text.trim().split(' ').filter(Boolean);
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, i) => commands[i]?.includes('lane-process') === true).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}
