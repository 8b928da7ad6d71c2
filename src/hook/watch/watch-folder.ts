import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { UpscaleRequest } from '../../config/resolve-options.ts';
import { throwIfAborted, UpscaleError } from '../../core/errors.ts';
import type { Source } from '../../decode/source.ts';
import { takeLock } from '../../pipeline/work-lock.ts';
import type { CallOptions, Upscale } from '../upscale-call.ts';
import { WatchJournal } from './journal.ts';
import { findOpenForWriting } from './open-files.ts';
import { copySidecars, findFreeName, listFootage, setAside, type WatchedFile } from './watched-files.ts';

export type WatchEvent =
  | { readonly type: 'taken'; readonly source: string; readonly output: string }
  | { readonly type: 'done'; readonly source: string; readonly output: string; readonly verified: boolean }
  | {
      readonly type: 'failed';
      readonly source: string;
      readonly movedTo: string;
      readonly error: UpscaleError;
    };

export interface WatchOptions extends CallOptions {
  /** Folder for what is made. */
  readonly output: string;
  readonly request: UpscaleRequest;
  /** Ending of what is made, without the dot. */
  readonly extension: string;
  /** Seconds that size and time of a file must stand still. */
  readonly settleSeconds: number;
  readonly pollSeconds: number;
  /** End when all that lies there is done, instead of waiting for more. */
  readonly once: boolean;
  readonly upscale: Upscale;
  /** Reads a file whole, to see whether its container is. */
  readonly probe: (file: string) => Promise<Source>;
  readonly onEvent: (event: WatchEvent) => void;
}

/** In the watched folder, while somebody watches it. */
const LOCK = '.upreel-watch.lock';
/** What looks unfinished is waited for as long as this many times the settling time, and then judged as it is. */
const PATIENCE = 12;

interface Sighting {
  readonly size: number;
  readonly mtimeMs: number;
  /** When it was first seen like this, in ms. */
  readonly since: number;
  /** Found incomplete as it is. */
  incomplete: boolean;
}

/**
 * Upscales whatever is put into a folder, one file after the other, each once, also over restarts: what was done is noted in the folder. A
 * file is taken when its size and time have stood still, no process has it open for writing, and its container is whole. Polls: network
 * drives report no changes, and standing still takes looking twice anyway.
 *
 * @throws UpscaleError `ABORTED` when stopped, `SOURCE_NOT_FOUND`, `OUTPUT_UNWRITABLE` or, where another watcher lives,
 * `OUTPUT_BUSY` for folders; never for a file
 */
export async function watchFolder(folder: string, options: WatchOptions): Promise<void> {
  const root = await realpath(folder).catch((error: unknown) => {
    throw new UpscaleError('SOURCE_NOT_FOUND', `There is no folder ${folder}.`, {
      cause: error,
      hint: 'Make it, or check the path.',
    });
  });
  if (path.resolve(options.output) === root) {
    throw new UpscaleError(
      'USAGE',
      'What is made would be put into the watched folder itself, and be taken again.',
      {
        hint: 'Name another folder with -o FOLDER.',
      },
    );
  }
  await mkdir(options.output, { recursive: true });
  const lock = path.join(root, LOCK);
  await takeFolder(root, lock);
  try {
    await watchLocked(root, options);
  } finally {
    await rm(lock, { force: true });
  }
}

/** Two watchers of a folder would take the same files. Throws `OUTPUT_BUSY` where another one lives, `OUTPUT_UNWRITABLE`. */
async function takeFolder(folder: string, lock: string): Promise<void> {
  try {
    await takeLock(lock);
  } catch (error) {
    if (error instanceof UpscaleError && error.code === 'OUTPUT_BUSY') {
      throw new UpscaleError('OUTPUT_BUSY', `Another watcher looks after ${folder}.`, {
        cause: error,
        hint: `Leave the folder to it, or stop it first. If its machine is gone, remove ${lock}.`,
      });
    }
    throw new UpscaleError('OUTPUT_UNWRITABLE', `Cannot write into ${folder}.`, {
      cause: error,
      hint: 'Watch a folder that you may write to: what was done is noted there.',
    });
  }
}

async function watchLocked(root: string, options: WatchOptions): Promise<void> {
  const { signal, pollSeconds, once } = options;
  const journal = await WatchJournal.open(root);
  const sightings = new Map<string, Sighting>();
  for (;;) {
    throwIfAborted(signal);
    const waiting = (await listFootage(root)).filter(({ identity }) => !isFinished(journal, identity));
    const ready = await findReady(waiting, sightings, options);
    for (const file of ready) {
      throwIfAborted(signal);
      await take(root, file, journal, options);
    }
    if (ready.length > 0) continue;
    if (once && waiting.length === 0) return;
    await wait(pollSeconds * 1000, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

function isFinished(journal: WatchJournal, identity: string): boolean {
  const state = journal.find(identity)?.state;
  return state === 'done' || state === 'failed';
}

async function findReady(
  files: readonly WatchedFile[],
  sightings: Map<string, Sighting>,
  { settleSeconds, probe }: WatchOptions,
): Promise<WatchedFile[]> {
  const now = performance.now();
  const steady = files.filter((file) => {
    const seen = sightings.get(file.path);
    if (seen === undefined || seen.size !== file.size || seen.mtimeMs !== file.mtimeMs) {
      sightings.set(file.path, { size: file.size, mtimeMs: file.mtimeMs, since: now, incomplete: false });
      return settleSeconds === 0 && file.size > 0;
    }
    return now - seen.since >= settleSeconds * 1000;
  });
  const open = await findOpenForWriting(new Set(steady.map((file) => file.path)));
  const ready: WatchedFile[] = [];
  for (const file of steady.filter((entry) => !open.has(entry.path))) {
    const seen = sightings.get(file.path);
    const patient = seen !== undefined && now - seen.since < PATIENCE * settleSeconds * 1000;
    if (patient && (seen.incomplete || !(await isWhole(file, probe)))) {
      seen.incomplete = true;
      continue;
    }
    ready.push(file);
  }
  return ready;
}

async function isWhole(file: WatchedFile, probe: WatchOptions['probe']): Promise<boolean> {
  if (file.size === 0) return false;
  try {
    return (await probe(file.path)).video.scan.complete;
  } catch {
    return false;
  }
}

async function take(
  folder: string,
  file: WatchedFile,
  journal: WatchJournal,
  options: WatchOptions,
): Promise<void> {
  const { request, extension, upscale, onEvent, signal } = options;
  const { identity, name } = file;
  const before = journal.find(identity);
  const output =
    before?.output ??
    (await findFreeName(path.join(options.output, `${path.parse(name).name}.${extension}`)));
  // An output is whole or absent: one that is there was finished before the note of it was written.
  if (before !== undefined && (await stat(output).catch(() => null)) !== null) {
    await journal.record({ identity, name, output, state: 'done' });
    return;
  }
  await journal.record({ identity, name, output, state: 'started' });
  onEvent({ type: 'taken', source: file.path, output });
  try {
    const { verify } = await upscale(file.path, { ...request, output }, options);
    await copySidecars(folder, name, output);
    await journal.record({ identity, name, output, state: 'done' });
    onEvent({ type: 'done', source: file.path, output, verified: verify?.ok ?? false });
  } catch (error) {
    const known = UpscaleError.from(error);
    if (known.code === 'ABORTED' || signal?.aborted === true) throw known;
    // A full disk is no fault of the file.
    if (known.code === 'DISK_SPACE') throw known;
    const movedTo = await setAside(folder, name, known);
    await journal.record({ identity, name, output, state: 'failed' });
    onEvent({ type: 'failed', source: file.path, movedTo, error: known });
  }
}
