import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { findTools, type FfmpegTools } from '../../src/ffmpeg/tools.ts';

export const tools: FfmpegTools = await findTools();

/** A folder for one test file's clips; `remove` takes it away with all that is in it. */
export async function makeFolder(): Promise<{ path: (name: string) => string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-test-'));
  return {
    path: (name) => path.join(folder, name),
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs ffmpeg and fails the test with its words when it fails. */
export function ffmpeg(...args: string[]): void {
  const { status, stderr } = spawnSync(tools.ffmpeg, ['-v', 'error', '-y', ...args]);
  if (status !== 0) throw new Error(stderr.toString());
}

export interface DecodedTimes {
  /** Seconds of every frame, in order. */
  readonly times: readonly number[];
  /** sha256 of every frame's samples. */
  readonly hashes: readonly string[];
}

/** Decodes a file whole: each frame's time and a hash of its samples. */
export function decodeFrames(file: string): DecodedTimes {
  const { stdout } = spawnSync(
    tools.ffmpeg,
    [
      '-v',
      'error',
      '-i',
      file,
      '-map',
      '0:v:0',
      '-copyts',
      tools.features.fpsMode ? '-fps_mode' : '-vsync',
      'passthrough',
      '-f',
      'framehash',
      '-hash',
      'sha256',
      '-',
    ],
    { maxBuffer: 1 << 28 },
  );
  const lines = stdout.toString().split('\n');
  const timeBase = /^#tb 0: (\d+)\/(\d+)/m.exec(stdout.toString());
  const seconds = Number(timeBase?.[1]) / Number(timeBase?.[2]);
  const rows = lines
    .filter((line) => /^0,/.test(line))
    .map((line) => line.split(',').map((cell) => cell.trim()));
  return {
    times: rows.map((row) => Number(row[2]) * seconds),
    hashes: rows.map((row) => row[5] ?? ''),
  };
}

/** Where the packets of a file's video lie in it, in bytes. */
export function listPackets(file: string): { readonly pos: string; readonly size: string }[] {
  const entries = ['-select_streams', 'v:0', '-show_entries', 'packet=pos,size', '-of', 'json'];
  const { stdout } = spawnSync(tools.ffprobe, ['-v', 'error', ...entries, file]);
  return (JSON.parse(stdout.toString()) as { packets: { pos: string; size: string }[] }).packets;
}

/** What ffprobe says of a file. */
export function ffprobe(file: string): {
  streams: { codec_type: string; codec_name: string; duration?: string; tags?: Record<string, string> }[];
  chapters: unknown[];
  format: { tags?: Record<string, string> };
} {
  const { stdout } = spawnSync(tools.ffprobe, [
    '-v',
    'error',
    '-show_streams',
    '-show_format',
    '-show_chapters',
    '-of',
    'json',
    file,
  ]);
  return JSON.parse(stdout.toString()) as ReturnType<typeof ffprobe>;
}
