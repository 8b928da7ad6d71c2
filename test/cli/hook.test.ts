import path from 'node:path';
import process from 'node:process';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeFolder, runUpreel, type Outcome } from './command-line.ts';

const program = fileURLToPath(new URL('../../bin/upreel.js', import.meta.url));
let folder = '';
let clip = '';

beforeAll(async () => {
  folder = await makeFolder();
  clip = path.join(folder, 'a film.mp4');
  await makeClip(clip, 5);
});

/** Runs the hook as a host does: with a job on standard input, or in the environment. */
async function runHook(
  args: readonly string[],
  job: { readonly stdin?: string; readonly environment?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  const child = spawn(process.execPath, [program, 'hook', 'run', ...args], {
    env: { ...process.env, ...job.environment },
  });
  child.stdin.end(job.stdin ?? '');
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

function readLine(stdout: string): Record<string, unknown> {
  expect(stdout.match(/\n/g)).toHaveLength(1);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('upreel hook run', () => {
  it('prints one line of JSON and nothing else', async () => {
    const { code, stdout, stderr } = await runUpreel(['hook', 'run', clip, '--model', 'lanczos']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readLine(stdout)).toMatchObject({
      ok: true,
      output: path.join(folder, 'a film.upreel.mov'),
      ...{ frames: 5, width: 128, height: 96, frameRate: '25/1', verified: true },
    });
  });

  it('reads a job from standard input and one from the environment', async () => {
    const stdin = JSON.stringify({ file: clip, output: path.join(folder, 'job.mkv'), preset: 'archive' });
    const written = await runHook(['-', '--model', 'nearest'], { stdin });
    expect(readLine(written.stdout)).toMatchObject({ ok: true, output: path.join(folder, 'job.mkv') });
    const environment = { UPREEL_FILE: clip, UPREEL_OUTPUT: path.join(folder, 'env.mov') };
    const set = await runHook(['--model', 'nearest'], { environment });
    expect(readLine(set.stdout)).toMatchObject({ ok: true, output: path.join(folder, 'env.mov') });
  });

  it.each([
    [2, 'USAGE', []],
    [3, 'SOURCE_NOT_FOUND', ['nowhere.mov']],
    [2, 'USAGE', ['nowhere.mov', '--preset', 'best']],
  ])('ends with %i and says %s in its line', async (exit, code, args) => {
    const outcome = await runUpreel(['hook', 'run', ...args]);
    expect(outcome.code).toBe(exit);
    expect(readLine(outcome.stdout)).toMatchObject({ ok: false, code, exit });
    expect(outcome.stderr).toMatch(/^upreel: /);
  });

  it('never replaces what exists unless it is told to', async () => {
    const again = await runUpreel(['hook', 'run', clip, '--model', 'lanczos']);
    expect(again.code).toBe(4);
    expect(readLine(again.stdout)).toMatchObject({ ok: false, code: 'OUTPUT_EXISTS' });
  });
});
