import { stat } from 'node:fs/promises';
import path from 'node:path';
import { runFfmpeg, SAMPLES } from './clips.ts';
import { runMeasured, upscaleArguments } from './run-measured.ts';

/** What a frame of a tape costs on its way to 4K, in what a cluster has to have. */
export interface SizingRow {
  /** What was asked for beyond `--to 4k`. */
  readonly options: string;
  /** CPU seconds of one core for a frame: decoding, network, encoding and its share of assembly. */
  readonly frameSeconds: number;
  /** CPU seconds for a file, however short. */
  readonly fileSeconds: number;
  /** Bytes of the output for a frame. */
  readonly frameBytes: number;
}

export interface SizingBench {
  readonly rows: readonly SizingRow[];
  /** Bytes of the source for a frame: DV, which has the same for each. */
  readonly sourceFrameBytes: number;
}

const WAYS = [
  '',
  '--model balanced',
  '--model realtime',
  '--model lanczos',
  '--model lanczos --encoder prores',
];
/** A difference of two lengths leaves out what a file costs whatever its length. */
const FRAMES = [6, 18] as const;

/** Measures what frames of a PAL tape (DV, 720x576) cost on the way to 4K, by two lengths of the same clip. */
export async function benchSizing(folder: string): Promise<SizingBench> {
  const clips = FRAMES.map((frames) => makeTape(folder, frames));
  const [short, long] = await Promise.all(clips.map(async (clip) => (await stat(clip)).size));
  const rows: SizingRow[] = [];
  for (const options of WAYS) {
    const runs: { cpu: number; bytes: number; frames: number }[] = [];
    for (const clip of clips) {
      const output = path.join(folder, options.includes('prores') ? 'big.mov' : 'big.mp4');
      const more = options.split(' ').filter(Boolean);
      const { cpuSeconds, stdout } = await runMeasured(process.execPath, [
        ...[...upscaleArguments(clip, output), '--to', '4k', '--deinterlace', 'off'],
        ...['--workers', '1', ...more],
      ]);
      const { result } = JSON.parse(stdout) as { result: { bytes: number; frames: number } };
      runs.push({ cpu: cpuSeconds, bytes: result.bytes, frames: result.frames });
    }
    const [few, many] = runs;
    if (few === undefined || many === undefined) throw new Error('Nothing was run.');
    const frames = many.frames - few.frames;
    const frameSeconds = (many.cpu - few.cpu) / frames;
    rows.push({
      options,
      frameSeconds,
      fileSeconds: Math.max(0, few.cpu - few.frames * frameSeconds),
      frameBytes: (many.bytes - few.bytes) / frames,
    });
  }
  return { rows, sourceFrameBytes: ((long ?? 0) - (short ?? 0)) / (FRAMES[1] - FRAMES[0]) };
}

/** A PAL tape of real pictures. */
function makeTape(folder: string, frames: number): string {
  const file = path.join(folder, `tape-${String(frames)}.avi`);
  runFfmpeg([
    ...['-stream_loop', '-1', '-i', path.join(SAMPLES, 'outdoors.mkv')],
    ...['-vf', 'scale=720:576,setsar=16/15,setfield=prog,fps=25', '-frames:v', String(frames)],
    ...['-c:v', 'dvvideo', '-pix_fmt', 'yuv420p', '-an', file],
  ]);
  return file;
}
