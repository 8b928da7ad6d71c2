import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTools } from '../src/ffmpeg/tools.ts';

export const tools = await findTools();

/** Short clips that nothing was ever done to. */
export const SAMPLES = fileURLToPath(new URL('../samples/truth', import.meta.url));
const MORE_SAMPLES = fileURLToPath(new URL('../../shared/clips/truth', import.meta.url));

/** Folder of the clips to measure on: a larger set where it stands beside the repository, else the samples. */
export async function findTruths(): Promise<string> {
  return (await isFolder(MORE_SAMPLES)) ? MORE_SAMPLES : SAMPLES;
}

export async function isFolder(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => null);
  return found?.isDirectory() ?? false;
}

/** Makes a moving, lightly noisy H.264 clip. */
export function makeClip(folder: string, size: string, seconds: number): string {
  const file = path.join(folder, `${size}-${String(seconds)}s.mp4`);
  runFfmpeg([
    ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${String(seconds)}`],
    ...['-f', 'lavfi', '-i', `sine=d=${String(seconds)}`],
    ...[
      '-vf',
      'noise=alls=4:allf=t',
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-crf',
      '20',
      '-pix_fmt',
      'yuv420p',
    ],
    ...['-c:a', 'aac', file],
  ]);
  return file;
}

export function runFfmpeg(args: readonly string[]): void {
  const { status, stderr } = spawnSync(tools.ffmpeg, ['-v', 'error', '-y', ...args]);
  if (status !== 0) throw new Error(stderr.toString());
}
