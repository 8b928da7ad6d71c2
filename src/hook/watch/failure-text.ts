import { UpscaleError } from '../../core/errors.ts';

/** The reason of a failure for the file that lies beside what failed: the sentence, the way out, the code, a tool's last words. */
export function describeFailureText(error: unknown): string {
  const { message, hint, code, details } = UpscaleError.from(error);
  return (
    [message, hint, `(${code})`, details].filter((line) => line !== undefined && line !== '').join('\n') +
    '\n'
  );
}
