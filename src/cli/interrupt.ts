import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Turns Ctrl-C into an `AbortSignal`, for as long as it is not disposed of. */
export interface InterruptGuard extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * The first Ctrl-C (or SIGTERM) aborts the signal, so that lanes stop between two frames and what is finished is kept; a second one is
 * handed to the system as if nobody had listened.
 */
export function guardInterrupts(onFirst: () => void): InterruptGuard {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of SIGNALS) process.removeListener(name, handle);
  };
  const handle = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      release();
      process.kill(process.pid, name);
      return;
    }
    controller.abort();
    onFirst();
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { signal: controller.signal, [Symbol.dispose]: release };
}
