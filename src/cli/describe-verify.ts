import type { VerifyReport } from '../measure/verify-report.ts';
import { layOutTable, formatHeading } from './text-table.ts';

const MARKS = { ok: 'ok', warning: 'differs', failed: 'FAILED' } as const;

/** The table of a verification, for people. */
export function describeVerify(report: VerifyReport): string {
  const rows = report.rows.map(({ check, status, expected, actual, note }) => {
    const values = expected === actual ? actual : `${actual} (expected: ${expected})`;
    return [MARKS[status], check, note === '' ? values : `${values}; ${note}`];
  });
  const failed = report.rows.filter(({ status }) => status === 'failed').length;
  const sum = report.ok
    ? 'The output holds what was promised.'
    : `${String(failed)} of ${String(rows.length)} checks failed.`;
  return `${formatHeading('Verified')}\n${layOutTable(rows)}\n${sum}`;
}
