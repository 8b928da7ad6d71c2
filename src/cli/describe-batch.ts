import path from 'node:path';
import { formatBytes, formatDuration } from '../core/format.ts';
import type { FileOutcome } from '../jobs/run-batch.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** What became of all files, for people. */
export function describeBatch(
  outcomes: readonly FileOutcome[],
  { seconds, index }: { readonly seconds: number; readonly index: string },
): string {
  const files = outcomes.length === 1 ? '1 file' : `${String(outcomes.length)} files`;
  return [
    formatHeading(`${files} in ${formatDuration(seconds)}`),
    layOutTable(outcomes.map(describe)),
    '',
    `${countOutcomes(outcomes)}. Report: ${index}`,
  ].join('\n');
}

/** One line on what became of a file. */
export function describe(outcome: FileOutcome): string[] {
  const { name } = outcome;
  switch (outcome.status) {
    case 'done': {
      const { result, verify, output } = outcome;
      const notes = [formatBytes(result.bytes), formatDuration(result.seconds)];
      if (result.damage !== null) notes.push('the source was damaged');
      if (verify?.ok === false) {
        const failed = verify.rows.filter(({ status }) => status === 'failed');
        notes.push(`falls short in ${failed.map(({ check }) => check).join(', ')}`);
      }
      return ['done', name, `${path.basename(output)} (${notes.join(', ')})`];
    }
    case 'skipped':
      return ['skipped', name, `${path.basename(outcome.output)} was already made by the same plan`];
    case 'failed': {
      const { message, hint } = outcome.error;
      return ['failed', name, hint === undefined ? message : `${message} ${hint}`];
    }
    case 'unfinished':
      return ['unfinished', name, 'the same command goes on with it'];
  }
}

function countOutcomes(outcomes: readonly FileOutcome[]): string {
  const count = (status: FileOutcome['status']): number =>
    outcomes.filter((outcome) => outcome.status === status).length;
  const parts = [`${String(count('done'))} done`, `${String(count('skipped'))} skipped`];
  parts.push(`${String(count('failed'))} failed`);
  if (count('unfinished') > 0) parts.push(`${String(count('unfinished'))} unfinished`);
  return parts.join(', ');
}
