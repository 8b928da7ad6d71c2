import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import process from 'node:process';
import { UpscaleError } from '../core/errors.ts';

/** The process that holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one of the same number, also after the machine was started again; null where the system does not say. */
  readonly started: string | null;
}

const TAKING_OVER = 3;

/**
 * Takes the lock `file` for this process, from a process that is gone if need be. Throws `OUTPUT_BUSY` when another run holds it, this
 * process's own included. The lock appears with its content or not at all, so that two who come at once cannot both have it.
 */
export async function takeLock(file: string): Promise<void> {
  const own: Holder = {
    pid: process.pid,
    host: os.hostname(),
    started: await readStart(process.pid),
  };
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(own));
  try {
    for (let attempt = 0; attempt < TAKING_OVER; attempt++) {
      if (await linkNew(temporary, file)) return;
      const held = await readFile(file, 'utf8').catch(() => null);
      if (held === null) continue;
      await refuseHeld(file, held);
      if (await takeOver(file, held, temporary)) return;
    }
  } finally {
    await rm(temporary, { force: true });
  }
  throw new UpscaleError('OUTPUT_BUSY', `Other runs are taking ${file} at the same time.`, {
    hint: 'Start one run only for each output.',
  });
}

/** Whether a living process holds the lock `file`. */
export async function isLocked(file: string): Promise<boolean> {
  const held = await readFile(file, 'utf8').catch(() => null);
  return held !== null && (await findHolder(held)) !== null;
}

async function refuseHeld(file: string, held: string): Promise<void> {
  const holder = await findHolder(held);
  if (holder === null) return;
  const local = holder.host === os.hostname();
  throw new UpscaleError(
    'OUTPUT_BUSY',
    `Another run (process ${holder.pid}${local ? '' : ` on ${holder.host}`}) is making this output.`,
    {
      hint: local
        ? 'Wait for it, or stop it and run the same command again.'
        : `Wait for it. If that machine is gone, remove ${file} and run the same command again.`,
    },
  );
}

/** Who holds a lock with this content; null when nobody does any more. */
async function findHolder(held: string): Promise<Holder | null> {
  const holder = parseHolder(held);
  if (holder === null) return null;
  // Of another machine's processes nothing can be found out.
  if (holder.host !== os.hostname()) return holder;
  if (!isAlive(holder.pid)) return null;
  const started = await readStart(holder.pid);
  if (started !== null && holder.started !== null) return started === holder.started ? holder : null;
  return holder.pid === process.pid ? null : holder;
}

function parseHolder(held: string): Holder | null {
  try {
    const { pid, host, started } = JSON.parse(held) as Partial<Holder>;
    return typeof pid === 'number' && typeof host === 'string'
      ? { pid, host, started: started ?? null }
      : null;
  } catch {
    return null;
  }
}

/** Puts `own` in the place of a lock with the content `held`, that nobody holds, unless that was replaced meanwhile. */
async function takeOver(file: string, held: string, own: string): Promise<boolean> {
  // One at a time: who comes second finds another content.
  const guard = `${file}.over`;
  await takeLock(guard);
  try {
    if ((await readFile(file, 'utf8').catch(() => null)) !== held) return false;
    await rename(own, file);
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

/** Gives a file a further name unless that is taken. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'ENOENT') throw error;
  }
  // File systems without hard links.
  try {
    await writeFile(to, await readFile(from), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process was started, in ticks of which boot (proc(5), field 22 of `stat`); null where there is no /proc. */
async function readStart(pid: number): Promise<string | null> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The second field is a name in parentheses, which may hold spaces.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot.trim()}:${ticks}`;
  } catch {
    return null;
  }
}
