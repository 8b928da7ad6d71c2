import process from 'node:process';
import { specNamed } from '../config/option-table.ts';
import { readValue } from '../config/parse-value.ts';
import { UpscaleError } from '../core/errors.ts';
import type { JobStatus } from '../jobs/cluster/cluster-job.ts';
import type { ClusterQueue } from '../jobs/cluster/queue.ts';
import { withQueue, withStore } from './cluster-arguments.ts';
import { readOption } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** `upreel jobs --queue URL`. */
export async function listClusterJobs(raw: RawArguments, json: boolean): Promise<number> {
  const statuses = await withQueue(raw, (queue) => queue.list());
  if (json) process.stdout.write(`${JSON.stringify(statuses, null, 2)}\n`);
  else if (statuses.length === 0) process.stdout.write('There are no jobs.\n');
  else process.stdout.write(`${formatHeading('Jobs')}\n${layOutTable(statuses.map(describe))}\n`);
  return EXIT_CODES.ok;
}

export async function runJobsCancelCommand(raw: RawArguments): Promise<number> {
  return steer(raw, async (queue, { job }) => {
    await queue.cancel(job);
    const hasStore = readOption(raw, 'store') !== undefined || process.env['UPREEL_STORE'] !== undefined;
    if (hasStore) await withStore(raw, (store) => store.removeJob(job.id));
    return `${job.id} is cancelled.${hasStore ? '' : ' What it left in the store goes with --store.'}`;
  });
}

export async function runJobsRetryCommand(raw: RawArguments): Promise<number> {
  return steer(raw, async (queue, status) => {
    await queue.retry(status);
    return `${status.job.id} is handed in once more.`;
  });
}

export async function runJobsPriorityCommand(raw: RawArguments): Promise<number> {
  const priority = Number(readValue(specNamed('priority'), String(raw['number'])));
  return steer(raw, async (queue, { job }) => {
    await queue.setPriority(job, priority);
    return `${job.id} has priority ${String(priority)}.`;
  });
}

async function steer(
  raw: RawArguments,
  act: (queue: ClusterQueue, status: JobStatus) => Promise<string>,
): Promise<number> {
  const id = String(raw['id']);
  const said = await withQueue(raw, async (queue) => {
    const status = await queue.find(id);
    if (status === null) {
      throw new UpscaleError('USAGE', `There is no job ${id}, or there are several whose ids begin so.`, {
        hint: 'See upreel jobs --queue URL.',
      });
    }
    return act(queue, status);
  });
  process.stdout.write(`${said}\n`);
  return EXIT_CODES.ok;
}

function describe({ job, state, segmentsDone, reason }: JobStatus): string[] {
  const progress = `${String(segmentsDone)}/${String(job.segments)} segments`;
  const words = reason === null ? job.output : `${job.output}: ${reason}`;
  return [job.id, state, progress, `priority ${String(job.priority)}`, words];
}
