import { readFile } from 'node:fs/promises';

/** Milliseconds without any work done after which a process counts as hung, where its CPU time can be read. */
const IDLE_LIMIT_MS = 60_000;
/** The same where it cannot, and a long silence may be hard work. */
const SILENCE_LIMIT_MS = 600_000;
const LOOK_EVERY_MS = 5_000;

export interface StallWatch {
  /** Tells that we wait for the process (`true`), or that it waits for us. */
  expect(waiting: boolean): void;
  end(): void;
}

/**
 * Calls `onStall` when a process that we wait for has stopped working: old versions of ffmpeg can lock up for ever in their decoding
 * threads on damaged streams. A process that only takes long uses the processor meanwhile.
 */
export function watchForStall(
  pid: number | undefined,
  onStall: () => void,
  limits: { readonly idleMs: number; readonly everyMs: number } = {
    idleMs: IDLE_LIMIT_MS,
    everyMs: LOOK_EVERY_MS,
  },
): StallWatch {
  let waitingSince: number | null = null;
  let lastWork: number | null = null;
  const look = async (): Promise<void> => {
    const since = waitingSince;
    const work = await readWork(pid);
    if (since === null || since !== waitingSince) return;
    if (work !== lastWork) {
      lastWork = work;
      waitingSince = performance.now();
      return;
    }
    const limit = work === null ? SILENCE_LIMIT_MS : limits.idleMs;
    if (performance.now() - since > limit) {
      clearInterval(timer);
      onStall();
    }
  };
  const timer = setInterval(() => void look(), limits.everyMs);
  timer.unref();
  return {
    expect: (waiting) => {
      waitingSince = waiting ? performance.now() : null;
    },
    end: () => clearInterval(timer),
  };
}

/** Processor time that a process has used, in ticks of the system; null where that cannot be read. */
async function readWork(pid: number | undefined): Promise<number | null> {
  if (process.platform !== 'linux' || pid === undefined) return null;
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The program's name, in parentheses, may hold anything; user and system time are fields 14 and 15.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return null;
  }
}
