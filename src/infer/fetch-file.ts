import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';

export interface FetchFileOptions {
  /** Takes in every byte that comes. */
  readonly hash: Hash;
  /** Whether what comes is checked afterwards, so that the way there need not be a safe one. */
  readonly checked: boolean;
  /** @defaultValue 2 GiB */
  readonly mostBytes?: number;
  /** Milliseconds without a byte after which a server counts as gone. @defaultValue 60000 */
  readonly patience?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that came, and how many there will be where the server says. */
  readonly onProgress?: ((bytes: number, total: number | null) => void) | undefined;
}

/** More than any network has that runs on single frames, and the most that an ONNX file can hold. */
const MOST_BYTES = 2 ** 31;
const MOST_REDIRECTS = 5;
const PATIENCE = 60_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches `url` into the new file `target`, by https; by http only from this machine, or where what comes is checked. A failure leaves
 * what came so far, for the caller to remove with its folder.
 *
 * @throws UpscaleError `USAGE` for a way that is not safe, `MODEL_NOT_FOUND` where the server does not give it, `MODEL_INVALID` where it
 * is too large or cut short, `DISK_SPACE`, `OUTPUT_UNWRITABLE`, `ABORTED`
 */
export async function fetchFile(url: URL, target: string, options: FetchFileOptions): Promise<void> {
  const { hash, mostBytes = MOST_BYTES, patience = PATIENCE, signal, onProgress } = options;
  throwIfAborted(signal);
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), patience);
  const stop = AbortSignal.any([gone.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    const response = await follow(url, options.checked, stop);
    const total = readLength(response);
    if ((total ?? 0) > mostBytes) throw refuseSize(url, mostBytes);
    let bytes = 0;
    await using file = await openNew(target);
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      bytes += chunk.length;
      if (bytes > mostBytes) throw refuseSize(url, mostBytes);
      hash.update(chunk);
      await file.writeFile(chunk).catch(explainWriting(target));
      onProgress?.(bytes, total);
    }
    if (total !== null && bytes !== total) throw refuseCut(url, bytes, total);
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof UpscaleError) throw error;
    throw refuseAnswer(url, gone.signal.aborted ? 'the server fell silent' : explainCause(error), error);
  } finally {
    clearTimeout(timer);
  }
}

/** A URL as it may be shown and stored: no name, no password, no query, which often holds a key. */
export function describeUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Asks for `url` and goes where it is sent, each step checked. */
async function follow(url: URL, checked: boolean, signal: AbortSignal): Promise<Response> {
  let at = url;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    refuseUnsafe(at, checked);
    const response = await fetch(withoutCredentials(at), {
      redirect: 'manual',
      signal,
      headers: { 'accept-encoding': 'identity', ...authorise(at) },
    });
    if (response.ok) return response;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null) {
      throw refuseAnswer(url, `the server answered ${response.status} ${response.statusText}`.trim());
    }
    at = new URL(location, at);
  }
  throw refuseAnswer(url, `the server sent on more than ${MOST_REDIRECTS} times`);
}

function refuseUnsafe(url: URL, checked: boolean): void {
  const { protocol, hostname } = url;
  const isHere = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && (isHere || checked))) return;
  throw new UpscaleError('USAGE', `${describeUrl(url)} is not fetched: the way there is open to anyone.`, {
    hint: 'Use an https address, or say with --sha256 what the file must be.',
  });
}

function withoutCredentials(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

function authorise({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Bytes to come; null where the server does not say, or packs them all the same. */
function readLength({ headers }: Response): number | null {
  const length = Number(headers.get('content-length') ?? NaN);
  return headers.has('content-encoding') || !Number.isSafeInteger(length) ? null : length;
}

async function openNew(target: string): ReturnType<typeof open> {
  return open(target, 'wx').catch(explainWriting(target));
}

function explainWriting(target: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    const full = error.code === 'ENOSPC';
    throw new UpscaleError(
      full ? 'DISK_SPACE' : 'OUTPUT_UNWRITABLE',
      full ? `The disk of ${target} is full.` : `${target} cannot be written.`,
      { cause: error, hint: full ? 'Free some space and try again.' : 'Check the rights of the folder.' },
    );
  };
}

/** The innermost reason: `fetch failed` says nothing, its cause does. */
function explainCause(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason instanceof Error ? reason.message || reason.name : String(reason);
}

function refuseAnswer(url: URL, reason: string, cause?: unknown): UpscaleError {
  return new UpscaleError('MODEL_NOT_FOUND', `${describeUrl(url)} could not be fetched: ${reason}.`, {
    ...(cause === undefined ? {} : { cause }),
    retryable: cause !== undefined,
    hint: 'Check the address and the network, or fetch the file by other means and add it by its path.',
  });
}

function refuseSize(url: URL, mostBytes: number): UpscaleError {
  return new UpscaleError('MODEL_INVALID', `${describeUrl(url)} has more than ${mostBytes} bytes.`, {
    hint: 'No model that runs on single frames is that large; check the address.',
  });
}

function refuseCut(url: URL, bytes: number, total: number): UpscaleError {
  return new UpscaleError('MODEL_INVALID', `Only ${bytes} of ${total} bytes came from ${describeUrl(url)}.`, {
    retryable: true,
    hint: 'Try again.',
  });
}
