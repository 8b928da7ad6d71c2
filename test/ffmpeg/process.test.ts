import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runFfmpeg, runFfprobe, startProcess, type RunningProcess } from '../../src/ffmpeg/process.ts';
import { findToolSets } from './tool-sets.ts';

const TOOL_SETS = await findToolSets();
const SOURCE = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x480'];

function isRunning(pid: number | undefined): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

async function waitUntilGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && isRunning(pid); i++) await sleep(50);
  return !isRunning(pid);
}

describe.each(TOOL_SETS)('processes of ffmpeg %s', (_label, tools) => {
  const startEndless = (signal?: AbortSignal): RunningProcess =>
    startProcess(tools.ffmpeg, [...SOURCE, '-f', 'rawvideo', 'pipe:1'], {
      label: 'test',
      stdin: 'ignore',
      stdout: 'pipe',
      signal,
    });

  it('stops a process whose pipe is full', async () => {
    const child = startEndless();
    if (child.stdout === null) throw new Error('no pipe');
    await once(child.stdout, 'readable');
    await sleep(100);
    // Pull: what nobody reads stays in the pipe.
    expect(child.stdout.readableLength).toBeLessThanOrEqual(256 * 1024);
    await child.stop();
    expect(isRunning(child.pid)).toBe(false);
    await child.stop();
  });

  it('stops when the signal aborts, also when it was aborted before', async () => {
    const stop = new AbortController();
    const child = startEndless(stop.signal);
    stop.abort();
    await child.exited;
    expect(isRunning(child.pid)).toBe(false);
    await startEndless(stop.signal).exited;
  });

  it('ends a process that does not listen', async () => {
    const script = "process.on('SIGTERM', () => 0); process.stdout.write('x'); setInterval(() => 0, 1000)";
    const child = startProcess(process.execPath, ['-e', script], {
      label: 'deaf',
      stdin: 'ignore',
      stdout: 'pipe',
    });
    if (child.stdout === null) throw new Error('no pipe');
    await once(child.stdout, 'readable');
    await child.stop();
    expect((await child.exited).signal).toBe('SIGKILL');
  });

  it('throws with the last words of ffmpeg', async () => {
    const run = runFfmpeg(tools, ['-v', 'error', '-i', '/no/such/file', '-f', 'null', '-'], {
      what: 'testing',
      code: 'ENCODER_FAILED',
    });
    await expect(run).rejects.toMatchObject({
      code: 'ENCODER_FAILED',
      details: expect.stringContaining('No such file') as unknown,
    });
  });

  it('gives what ffprobe printed', async () => {
    const args = [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'color=size=32x16',
      '-show_entries',
      'stream=width',
      '-of',
      'csv=p=0',
    ];
    expect((await runFfprobe(tools, args, { what: 'testing' })).trim()).toBe('32');
  });
});

describe('startProcess', () => {
  it('keeps the end of stderr without progress lines', async () => {
    const script =
      "process.stderr.write('first\\n'); for (let i = 0; i < 3000; i++) process.stderr.write('frame= ' + i + '\\r');" +
      "process.stderr.write('frame= 9 fps=1\\n' + 'y'.repeat(300000) + '\\nlast words')";
    const lines: string[] = [];
    const child = startProcess(process.execPath, ['-e', script], {
      label: 'test',
      stdin: 'ignore',
      stdout: 'ignore',
      onStderrLine: (line) => lines.push(line),
    });
    const { stderr } = await child.exited;
    expect(lines[0]).toBe('first');
    expect(lines.join('\n')).not.toContain('frame=');
    expect(stderr.endsWith('last words')).toBe(true);
    expect(stderr.length).toBeLessThanOrEqual(64 * 1024);
  });

  it('says which program could not be started', async () => {
    const child = startProcess('/no/such/program', [], { label: 'test', stdin: 'ignore', stdout: 'ignore' });
    await expect(child.exited).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
    await child.stop();
  });

  it.skipIf(process.platform === 'win32')(
    'leaves no ffmpeg behind when its own process is killed',
    async () => {
      const script = fileURLToPath(new URL('child-with-ffmpeg.ts', import.meta.url));
      const parent = spawn(process.execPath, ['--import', 'tsx', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pids = line.toString().trim().split(' ').map(Number);
      expect(pids.map(isRunning)).toEqual([true, true]);
      parent.kill('SIGKILL');
      for (const pid of pids) expect(await waitUntilGone(pid)).toBe(true);
    },
  );
});
