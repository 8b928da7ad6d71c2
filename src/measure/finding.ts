import type { VerifyRow } from './verify-report.ts';

/** What one check found, before it becomes a row of the report. */
export interface Finding extends Omit<VerifyRow, 'status' | 'note'> {
  /** `skipped`: there is nothing to compare with. */
  readonly status: VerifyRow['status'] | 'skipped';
  readonly note?: string | undefined;
}

/** A promise that could not be checked is no proof: the report says so as a warning. */
export function toRow({ check, status, expected, actual, note = '' }: Finding): VerifyRow {
  return status === 'skipped'
    ? { check, expected, actual: actual === '' ? 'not compared' : actual, status: 'warning', note }
    : { check, expected, actual, status, note };
}
