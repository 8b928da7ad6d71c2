import { UpscaleError } from '../../core/errors.ts';
import type { QueueAddress } from './queue-address.ts';

const CONNECT_MS = 5000;

/** What reports the errors of its connection beside its answers. */
export interface Connected {
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Gives what the queue answers. Throws `QUEUE_UNREACHABLE`, with what went wrong with the connection last, when it takes too long; at once
 * for what no waiting mends.
 */
export async function withTimeout<T>(
  promise: Promise<T>,
  connected: Connected,
  address: QueueAddress,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let listen: ((error: Error) => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    let last: Error | undefined;
    timer = setTimeout(() => reject(describeRefusal(address, last)), CONNECT_MS);
    listen = (error) => {
      last = error;
      // A server that is not there may be starting; a certificate or a login stays as it is.
      if (!('syscall' in error)) reject(describeRefusal(address, error));
    };
    connected.on('error', listen);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    if (listen !== undefined) connected.off('error', listen);
  }
}

/** Why a queue was not to be had; never with a password. */
export function describeRefusal(address: QueueAddress, cause: unknown): UpscaleError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new UpscaleError('QUEUE_UNREACHABLE', `The queue at ${address.text} does not answer${why}.`, {
    hint: 'Check that Redis runs there, and the password and TLS of the address.',
  });
}
