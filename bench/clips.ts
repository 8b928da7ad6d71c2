import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findTools } from '../src/ffmpeg/tools.ts';

export const tools = await findTools();

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
