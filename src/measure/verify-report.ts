/** One promise, checked on the finished file. */
export interface VerifyRow {
  /** What was checked: `frames`, `times`, `sync`, `geometry`, `colour`, ... Stable, for programs. */
  readonly check: string;
  /** `failed`: the output falls short. `warning`: it differs, as the plan said it would. `skipped`: there was nothing to compare. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly expected: string;
  readonly actual: string;
  /** Why, where the two columns do not say it. */
  readonly note?: string | undefined;
}

/** Proof of delivery. */
export interface VerifyReport {
  readonly source: string;
  readonly output: string;
  readonly rows: readonly VerifyRow[];
  /** No row failed. */
  readonly passed: boolean;
}
