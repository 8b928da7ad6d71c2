import type { ProgressEvent } from '../pipeline/progress.ts';

/** One way to show progress. Everything goes to stderr. */
export interface ProgressView {
  show(event: ProgressEvent): void;
  /** Writes a line without tearing the bar. */
  writeLine(text: string): void;
  /** Takes the bar down; nothing is shown after it. */
  close(): void;
}
