import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { runFfmpeg } from '../../src/ffmpeg/process.ts';
import { findTools } from '../../src/ffmpeg/tools.ts';

const program = fileURLToPath(new URL('../../bin/upreel.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the built command line. */
export function spawnUpreel(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
}

/** Runs the built command line, as a user does. `onStderr` sees what it says and may interrupt it. */
export async function runUpreel(
  args: readonly string[],
  onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Outcome> {
  const child = spawnUpreel(args, env);
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    onStderr(stderr, (signal) => child.kill(signal));
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout: Buffer.concat(stdout).toString('latin1'), stderr };
}

/** Lets the commands of a test file run with the embedded ffmpeg, which starts in a fraction of the time of a distribution's. */
export async function useEmbedded(): Promise<void> {
  const { ffmpeg, ffprobe } = await findTools({ env: { PATH: '' } });
  Object.assign(process.env, { UPREEL_FFMPEG: ffmpeg, UPREEL_FFPROBE: ffprobe });
}

const folders: string[] = [];
// Here, since what a hook registers is not run.
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A folder that goes when the tests of the file are done. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-test-'));
  folders.push(folder);
  return folder;
}

/** A small moving picture with a tone, `frames` long at 25 a second. */
export async function makeClip(file: string, frames: number, size = '64x48'): Promise<void> {
  const seconds = String(frames / 25);
  await runFfmpeg(
    await findTools(),
    [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'],
      ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=r=48000:d=${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '5', '-pix_fmt', 'yuv420p', '-c:a', 'aac', file],
    ],
    { what: 'making a clip' },
  );
}
