import { describe, expect, it } from 'vitest';
import { startProcess } from '../../src/ffmpeg/process.ts';
import { watchForStall } from '../../src/ffmpeg/stall.ts';

const LIMITS = { idleMs: 300, everyMs: 50 };

async function isStopped(script: string, waiting: boolean): Promise<boolean> {
  const child = startProcess(process.execPath, ['-e', script], {
    label: 'test',
    stdin: 'ignore',
    stdout: 'ignore',
  });
  let stopped = false;
  const watch = watchForStall(
    child.pid,
    () => {
      stopped = true;
      void child.stop();
    },
    LIMITS,
  );
  watch.expect(waiting);
  await child.exited;
  watch.end();
  return stopped;
}

describe.skipIf(process.platform !== 'linux')('watchForStall', () => {
  it('finds a process that does nothing', async () => {
    expect(await isStopped('setTimeout(() => 0, 60000)', true)).toBe(true);
  });

  it('leaves a process alone that works, or that waits for us', async () => {
    const work = 'const end = Date.now() + 1500; while (Date.now() < end);';
    expect(await isStopped(work, true)).toBe(false);
    expect(await isStopped('setTimeout(() => 0, 1000)', false)).toBe(false);
  });
});
