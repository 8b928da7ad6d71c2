import process from 'node:process';
import { text } from 'node:stream/consumers';
import { UpscaleError } from '../core/errors.ts';
import { readJob } from '../hook/read-job.ts';
import { runHook } from '../hook/run-hook.ts';
import { upscale } from '../index.ts';
import { readMessageOptions, readRequest } from './arguments.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { printError } from './print-error.ts';
import type { RawArguments } from './raw-arguments.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel hook run`: one line of JSON on standard output, whatever comes of it; messages for people on standard error. */
export async function runHookRunCommand(raw: RawArguments): Promise<number> {
  const { progress, logLevel, verbose } = readMessageOptions(raw);
  // A dash alone reaches us as `true`.
  const file = raw['file'] === true ? '-' : (raw['file'] as string | undefined);
  const reporter = createReporter({ progress: raw['progress'] === undefined ? 'none' : progress, logLevel });
  using interrupt = guardInterrupts(() => reporter.writeLine('Stopping.'));
  try {
    const job = readJob({
      file,
      request: readRequest(raw, 'hook run'),
      stdin: file === '-' ? await text(process.stdin) : null,
      environment: process.env,
    });
    const result = await runHook(job, upscale, {
      signal: interrupt.signal,
      logger: reporter.logger,
      onProgress: reporter.listener,
    });
    reporter.close();
    process.stdout.write(`${JSON.stringify(result)}\n`);
    if (!result.verified) return EXIT_CODES.unverified;
    return result.damaged ? EXIT_CODES.damaged : EXIT_CODES.ok;
  } catch (error) {
    reporter.close();
    const { code, message, hint } = UpscaleError.from(error);
    const exit = exitCodeOf(code);
    process.stdout.write(`${JSON.stringify({ ok: false, code, exit, message, hint })}\n`);
    printError(error, { verbose });
    return exit;
  }
}
