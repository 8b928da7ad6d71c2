import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, expect } from 'vitest';
import type { JobStatus } from '../../../src/jobs/cluster/cluster-job.ts';
import { ClusterQueue } from '../../../src/jobs/cluster/queue.ts';
import { runUpreel, spawnUpreel } from '../../cli/command-line.ts';

/** A clip is enlarged by a filter into a lossless file, in segments of a second. */
export const OPTIONS = [
  ...['--model', 'lanczos', '--scale', '3', '--encoder', 'ffv1', '--segment-seconds', '1'],
  ...['--device', 'cpu', '--no-overwrite'],
];

/** The commands of a cluster, as its users and its machines run them. */
export interface Cluster {
  /** Adds the queue. */
  readonly args: (...args: string[]) => string[];
  /** Hands a source in and gives the job's id. */
  readonly submit: (source: string, ...more: string[]) => Promise<string>;
  /** A worker of one lane, that is killed at the end of the test. */
  readonly startWorker: (...more: string[]) => ChildProcess;
  readonly list: () => Promise<JobStatus[]>;
  readonly waitForState: (id: string, state: string) => Promise<JobStatus>;
}

/** Where queue and store are is asked when they are needed: they may not be there yet. */
export function useCluster(queue: () => string, store: () => string): Cluster {
  let workers: ChildProcess[] = [];
  afterEach(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    workers = [];
    await wait(200);
  });
  const args = (...given: string[]): string[] => [...given, '--queue', queue()];
  let opened: Promise<ClusterQueue> | null = null;
  const list = async (): Promise<JobStatus[]> => (await (opened ??= ClusterQueue.open(queue()))).list();
  afterAll(async () => (await opened)?.close());
  return {
    args,
    list,
    submit: async (source, ...more) => {
      const submitted = await runUpreel(
        args('submit', source, ...more, '--store', store(), ...OPTIONS, '--json'),
      );
      expect(submitted.code, submitted.stderr).toBe(0);
      const [first] = JSON.parse(submitted.stdout) as { id: string; isNew: boolean }[];
      expect(first?.isNew).toBe(true);
      return first?.id ?? '';
    },
    startWorker: (...more) => {
      const worker = spawnUpreel(args('worker', '--store', store(), '--lanes', '1', ...more));
      if (process.env['UPREEL_TEST_LOG'] !== undefined) worker.stderr.pipe(process.stderr);
      workers.push(worker);
      return worker;
    },
    waitForState: async (id, state) => {
      let found: JobStatus | undefined;
      await waitFor(async () => {
        found = (await list()).find(({ job }) => job.id === id);
        if (found?.state === 'failed' && state !== 'failed') throw new Error(found.reason ?? 'failed');
        return found?.state === state;
      });
      if (found === undefined) throw new Error(`There is no job ${id}.`);
      return found;
    },
  };
}

export async function waitFor(test: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await test()) return;
    await wait(200);
  }
  throw new Error('It never came to be.');
}
