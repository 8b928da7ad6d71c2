import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { findUnfinishedRuns, removeRun, type UnfinishedRun } from '../jobs/unfinished-runs.ts';
import { readMessageOptions } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { formatPercent } from './progress-text.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** `upreel jobs`: what was begun and not finished. */
export async function runJobsListCommand(raw: RawArguments): Promise<number> {
  const { json } = readMessageOptions(raw);
  if (raw['queue'] !== undefined) {
    const { listClusterJobs } = await import('./command-jobs-cluster.ts');
    return listClusterJobs(raw, json);
  }
  const runs = await findUnfinishedRuns(readFolder(raw));
  if (json) {
    process.stdout.write(`${JSON.stringify(runs, null, 2)}\n`);
  } else if (runs.length === 0) {
    process.stdout.write('There are no unfinished runs.\n');
  } else {
    const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
    const sum = `${String(runs.length)} unfinished, ${formatBytes(bytes)}. The same command again goes on with a run; upreel jobs clean removes what they left.`;
    process.stdout.write(
      `${formatHeading('Unfinished runs')}\n${layOutTable(runs.map(describe))}\n\n${sum}\n`,
    );
  }
  return EXIT_CODES.ok;
}

/** `upreel jobs clean`. */
export async function runJobsCleanCommand(raw: RawArguments): Promise<number> {
  const { json } = readMessageOptions(raw);
  const removed: UnfinishedRun[] = [];
  const kept: UnfinishedRun[] = [];
  for (const run of await findUnfinishedRuns(readFolder(raw))) {
    const isGone = await removeRun(run).then(
      () => true,
      (error: unknown) => {
        if (error instanceof UpscaleError && error.code === 'OUTPUT_BUSY') return false;
        throw error;
      },
    );
    (isGone ? removed : kept).push(run);
  }
  if (json) {
    process.stdout.write(`${JSON.stringify({ removed, kept }, null, 2)}\n`);
    return EXIT_CODES.ok;
  }
  const bytes = removed.reduce((sum, run) => sum + run.bytes, 0);
  const busy = kept.length === 0 ? '' : ` ${String(kept.length)} under way stay.`;
  process.stdout.write(`Removed ${String(removed.length)} unfinished runs, ${formatBytes(bytes)}.${busy}\n`);
  return EXIT_CODES.ok;
}

function readFolder(raw: RawArguments): string | null {
  const folder = raw['folder'];
  return typeof folder === 'string' && folder !== '' ? folder : null;
}

function describe(run: UnfinishedRun): string[] {
  const { source, output, segments, segmentsDone, frames, framesDone, bytes, running } = run;
  return [
    running ? 'running' : 'stopped',
    formatPercent(frames === 0 ? 0 : framesDone / frames),
    `${String(segmentsDone)}/${String(segments)} segments`,
    formatBytes(bytes),
    `${path.basename(source)} -> ${output}`,
  ];
}
