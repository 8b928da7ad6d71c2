import { spawn } from 'node:child_process';
import path from 'node:path';
import { makeClip } from './clips.ts';

export interface StartUp {
  readonly clip: string;
  /** Seconds from the start of the process until the encoder had the first frame: smallest, median, largest of several runs. The aim is 1.5. */
  readonly seconds: { readonly min: number; readonly median: number; readonly max: number };
}

/** Times the way to the first encoded frame as a user meets it, the program's own start included. */
export async function benchStartUp(folder: string, size: string, runs: number): Promise<StartUp> {
  const clip = makeClip(folder, size, 10);
  const times: number[] = [];
  for (let i = 0; i < runs; i++)
    times.push(await timeFirstFrame(clip, path.join(folder, `start-${String(i)}.mp4`)));
  times.sort((a, b) => a - b);
  return {
    clip: `${size}, 10 s`,
    seconds: { min: times[0] ?? 0, median: times[times.length >> 1] ?? 0, max: times.at(-1) ?? 0 },
  };
}

async function timeFirstFrame(clip: string, output: string): Promise<number> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['bin/upreel.js', 'upscale', clip, '-o', output, '-y', '--progress', 'json', '--device', 'cpu'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let text = '';
  return new Promise((resolve, reject) => {
    let seconds: number | null = null;
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (seconds !== null || !/"type":"progress","frames":[1-9]/.test(text)) return;
      seconds = (performance.now() - started) / 1000;
      child.kill('SIGINT');
    });
    child.on('close', () => (seconds === null ? reject(new Error(text)) : resolve(seconds)));
  });
}
