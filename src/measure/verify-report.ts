/** One promise, checked on the finished file. */
export interface VerifyRow {
  /** What was checked: `frames`, `times`, `sync`, `geometry`, `colour`, ... Stable, for programs. */
  readonly check: string;
  readonly expected: string;
  readonly actual: string;
  /** `failed`: the output falls short. `warning`: it differs, as the plan said it would. */
  readonly status: 'ok' | 'warning' | 'failed';
  /** Why, where the two columns do not say it; else empty. */
  readonly note: string;
}

/** Proof of delivery. */
export interface VerifyReport {
  /** No row failed. */
  readonly ok: boolean;
  readonly rows: readonly VerifyRow[];
}
