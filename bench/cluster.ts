import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ClusterQueue } from '../src/jobs/cluster/queue.ts';
import { makeRedis } from '../test/jobs/cluster/redis-fixture.ts';
import { makeClip } from './clips.ts';
import { runMeasured } from './run-measured.ts';

export interface ClusterBench {
  readonly clip: string;
  readonly frames: number;
  readonly segments: number;
  /** CPU seconds; of `reported` with the report that a cluster writes of each file, of `cluster` in two parts. */
  readonly cpu: {
    readonly oneSegment: number;
    readonly local: number;
    readonly reported: number;
    readonly submit: number;
    readonly worker: number;
  };
  /** Wall seconds from the first segment's start to the verified file. */
  readonly wall: { readonly local: number; readonly oneWorker: number; readonly twoWorkers: number };
  /** CPU of many segments over that of one; the aim is 1.03. */
  readonly segmentRatio: number;
  /** CPU of handing in and of one worker over that of the local executor, same segments and report; the aim is 1.05. */
  readonly queueRatio: number;
  /** Wall time of one worker over that of two, a lane each. */
  readonly twoOverOne: number;
}

const PROGRAM = 'bin/upreel.js';

/** What segments and the queue cost: one segment against many, the local executor against a worker, one worker against two. */
export async function benchCluster(folder: string, size: string, seconds: number): Promise<ClusterBench> {
  const store = path.join(folder, 'store');
  await mkdir(store, { recursive: true });
  const clip = makeClip(store, size, seconds);
  const redis = await makeRedis(path.join(folder, 'redis'));
  await redis.start();
  try {
    const options = ['--device', 'cpu', '--json'];
    const local = async (
      name: string,
      segment: number,
      ...more: string[]
    ): Promise<Awaited<ReturnType<typeof runMeasured>>> =>
      runMeasured(process.execPath, [
        ...[PROGRAM, 'upscale', clip, '-o', path.join(folder, name), ...options, '--progress', 'none'],
        ...['--workers', '1', '--segment-seconds', String(segment), ...more],
      ]);
    const one = await local('one.mp4', 86400);
    const many = await local('many.mp4', SEGMENT_SECONDS);
    const reported = await local('reported.mp4', SEGMENT_SECONDS, '--report', path.join(folder, 'report'));
    const cluster = ['--queue', redis.url, '--store', store];
    const queue = await ClusterQueue.open(redis.url);
    const run = async (
      name: string,
      count: number,
    ): Promise<{ submit: number; cpu: number; wall: number; segments: number }> => {
      const submit = await runMeasured(process.execPath, [
        ...[PROGRAM, 'submit', clip, '-o', path.join(store, name), ...options, ...cluster],
        ...['--segment-seconds', String(SEGMENT_SECONDS)],
      ]);
      const [job] = JSON.parse(submit.stdout) as { id: string; segments: number }[];
      const started = performance.now();
      const workers = Array.from({ length: count }, () => startWorker([...cluster, '--lanes', '1']));
      while (!(await isDone(queue, job?.id ?? ''))) await wait(200);
      const wall = (performance.now() - started) / 1000;
      const cpu = await Promise.all(workers.map(stopWorker));
      return {
        submit: submit.cpuSeconds,
        cpu: cpu.reduce((sum, part) => sum + part, 0),
        wall,
        segments: job?.segments ?? 0,
      };
    };
    const single = await run('worker.mp4', 1);
    const pair = await run('workers.mp4', 2);
    await queue.close();
    const { result } = JSON.parse(many.stdout) as { result: { frames: number } };
    return {
      clip: `${size}, ${String(seconds)} s`,
      frames: result.frames,
      segments: single.segments,
      cpu: {
        oneSegment: one.cpuSeconds,
        local: many.cpuSeconds,
        reported: reported.cpuSeconds,
        submit: single.submit,
        worker: single.cpu,
      },
      wall: { local: reported.wallSeconds, oneWorker: single.wall, twoWorkers: pair.wall },
      segmentRatio: many.cpuSeconds / one.cpuSeconds,
      queueRatio: (single.submit + single.cpu) / reported.cpuSeconds,
      twoOverOne: single.wall / pair.wall,
    };
  } finally {
    await redis.stop();
  }
}

const SEGMENT_SECONDS = 5;

interface RunningWorker {
  readonly child: ChildProcess;
  readonly said: () => string;
}

/** A worker under a shell that adds up the times of all its descendants. */
function startWorker(args: readonly string[]): RunningWorker {
  const script = `trap 'kill -TERM $child' TERM; "$@" & child=$!; wait $child; wait $child; times >&2`;
  const child = spawn('bash', ['-c', script, 'bash', process.execPath, PROGRAM, 'worker', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { child, said: () => said };
}

async function stopWorker({ child, said }: RunningWorker): Promise<number> {
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await gone;
  const times = [...said().matchAll(/^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm)].at(-1) ?? [];
  const [, userMinutes, userSeconds, systemMinutes, systemSeconds] = times.map(Number);
  return 60 * (Number(userMinutes) + Number(systemMinutes)) + Number(userSeconds) + Number(systemSeconds);
}

async function isDone(queue: ClusterQueue, id: string): Promise<boolean> {
  const found = await queue.find(id);
  if (found?.state === 'failed') throw new Error(found.reason ?? 'failed');
  return found?.state === 'done';
}
