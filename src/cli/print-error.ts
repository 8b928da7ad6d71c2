import process from 'node:process';
import { UpscaleError } from '../core/errors.ts';

/** Lines of a tool's last words that are shown. */
const LAST_WORDS = 8;

/** Prints what went wrong on stderr: one sentence, the tool's last words, the way out; with `verbose` also where it arose. */
export function printError(error: unknown, { verbose }: { readonly verbose: boolean }): void {
  process.stderr.write(describeError(error, { verbose }));
}

/** The text that {@link printError} prints. */
export function describeError(error: unknown, { verbose }: { readonly verbose: boolean }): string {
  const known = UpscaleError.from(error);
  const lines = [`upreel: ${known.message}`];
  if (known.details !== undefined && known.details.trim() !== '') {
    const words = known.details.trim().split('\n');
    lines.push(...words.slice(verbose ? 0 : -LAST_WORDS).map((line) => `  | ${line}`));
  }
  const hint =
    known.hint ??
    (known.code === 'INTERNAL' && !verbose
      ? 'Run the same command with --verbose to see where it arose.'
      : undefined);
  if (hint !== undefined) lines.push(`  ${hint}`);
  if (verbose) {
    lines.push(`  code ${known.code}`);
    for (let at: unknown = known; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  }
  return `${lines.join('\n')}\n`;
}
