import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pixelFormat } from '../src/core/pixel-format.ts';
import { Arena } from '../src/kernels/arena.ts';
import { loadKernels } from '../src/kernels/kernels.ts';
import { readWindows } from '../src/measure/luma-windows.ts';
import { blendTemporal, type TemporalInput } from '../src/temporal/blend-temporal.ts';
import { findTruths, SAMPLES, tools } from './clips.ts';
import { TestClips } from './model-gains.ts';
import {
  listWays,
  makeEnlarger,
  measureClean,
  measureFlicker,
  measureNoise,
  type FlickerRow,
  type NoiseRow,
} from './temporal-measures.ts';

export interface WayRow {
  readonly way: string;
  /** Mean gains over `off` in dB, over all windows of all clips and media; and the least of them. */
  readonly picture: number;
  readonly leastPicture: number;
  readonly flicker: number;
  readonly leastFlicker: number;
}

export interface TemporalBench {
  readonly strength: string;
  readonly model: string;
  readonly noise: readonly NoiseRow[];
  readonly clean: readonly { readonly clip: string; readonly change: number }[];
  readonly ways: readonly WayRow[];
  readonly flicker: readonly FlickerRow[];
  readonly cost: BlendCost;
}

/**
 * `npm run bench -- temporal [--clips FOLDER] [--model NAME] [--strength NAME] [--only noise,clean,flicker,cost]`: what blending gains and costs, and where it stands best.
 */
export async function benchTemporal(args: readonly string[]): Promise<Partial<TemporalBench>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      clips: { type: 'string' },
      model: { type: 'string', default: 'balanced' },
      strength: { type: 'string', default: 'high' },
      only: { type: 'string', default: 'noise,clean,flicker,cost' },
    },
  });
  const strength = values.strength === 'low' || values.strength === 'medium' ? values.strength : 'high';
  const parts = new Set(values.only.split(','));
  const { files } = await TestClips.list(values.clips ?? (await findTruths()), tools);
  const enlarger = makeEnlarger(values.model);
  try {
    const clean = [];
    const flicker: FlickerRow[] = [];
    for (const file of files) {
      console.error(`measuring ${path.basename(file)}`);
      if (parts.has('clean')) {
        const changes = await measureClean(file, strength, enlarger.open);
        for (const change of changes) clean.push({ clip: path.basename(file), change });
      }
      if (parts.has('flicker')) {
        flicker.push(...(await measureFlicker(file, listWays(strength, enlarger.open))));
      }
    }
    return {
      strength,
      model: values.model,
      ...(parts.has('noise') ? { noise: await measureNoise(await readPhotos(), strength) } : {}),
      ...(parts.has('clean') ? { clean } : {}),
      ...(parts.has('flicker') ? { ways: summariseWays(flicker), flicker } : {}),
      ...(parts.has('cost') ? { cost: await timeBlending(strength, enlarger.open) } : {}),
    };
  } finally {
    await enlarger.close();
  }
}

/** Photographs to move over: the scenes of the samples. */
async function readPhotos(): ReturnType<typeof readWindows> extends Promise<(infer T)[]>
  ? Promise<T>
  : never {
  const { files } = await TestClips.list(SAMPLES, tools);
  const photos = [];
  for (const file of files) photos.push(...(await readWindows(file, { tools, grid: 8, length: 1 })).flat());
  return photos;
}

function summariseWays(rows: readonly FlickerRow[]): WayRow[] {
  const off = rows.filter(({ way }) => way === 'off');
  const mean = (values: readonly number[]): number =>
    values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  return [...new Set(rows.map(({ way }) => way))].map((way) => {
    const own = rows.filter((row) => row.way === way);
    const pictures = own.map(({ picture }, i) => picture - (off[i]?.picture ?? 0));
    const flickers = own.map(({ flicker }, i) => flicker - (off[i]?.flicker ?? 0));
    return {
      way,
      picture: mean(pictures),
      leastPicture: Math.min(...pictures),
      flicker: mean(flickers),
      leastFlicker: Math.min(...flickers),
    };
  });
}

export interface BlendCost {
  readonly size: string;
  /** CPU milliseconds of one frame, the least of several rounds, over one frame to each side and over two. */
  readonly milliseconds: number;
  readonly millisecondsOfTwo: number;
  /** The same for enlarging its luma by the model. */
  readonly modelMilliseconds: number;
}

const FRAMES = 24;
/** Many, as other programs slow most of them down. */
const ROUNDS = 60;

/** CPU time of a noisy, moving frame of 720x576, and of the model that enlarges it. */
async function timeBlending(
  strength: 'low' | 'medium' | 'high',
  open: ReturnType<typeof makeEnlarger>['open'],
): Promise<BlendCost> {
  const [width, height] = [720, 576];
  const { stdout } = spawnSync(
    tools.ffmpeg,
    [
      ...['-v', 'error', '-i', path.join(SAMPLES, 'outdoors.mkv'), '-frames:v', String(FRAMES)],
      ...[
        '-vf',
        `scale=${width}:${height},noise=alls=12:allf=t`,
        '-pix_fmt',
        'yuv420p',
        '-f',
        'rawvideo',
        '-',
      ],
    ],
    { maxBuffer: 1 << 28 },
  );
  const format = pixelFormat('yuv420p');
  const arena = new Arena(64 << 20);
  const kernels = await loadKernels(arena);
  const size = (width * height * 3) / 2;
  async function* feed(): AsyncGenerator<TemporalInput> {
    for (let i = 0; i < FRAMES; i++) {
      const frame = arena.allocateFrame(format, width, height, i);
      arena.bytes(frame.offset, size).set(stdout.subarray(i * size, (i + 1) * size));
      yield await Promise.resolve({ frame, role: 'body' as const });
    }
  }
  const time = (radius: number): Promise<number> =>
    timeLeast(FRAMES, async () => {
      for await (const frame of blendTemporal(feed(), { strength, radius }, { arena, kernels }))
        frame.dispose();
    });
  const milliseconds = await time(1);
  const millisecondsOfTwo = await time(2);
  const samples = stdout.subarray(0, width * height);
  const enlarge = await open({ width: 2 * width, height: 2 * height, samples });
  const modelMilliseconds = await timeLeast(1, () => enlarge([{ width, height, samples }]));
  return { size: `${width}x${height}`, milliseconds, millisecondsOfTwo, modelMilliseconds };
}

/** CPU milliseconds of one of the `frames` that `run` works on, the least of several rounds. */
async function timeLeast(frames: number, run: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000 / frames);
  }
  return least;
}
