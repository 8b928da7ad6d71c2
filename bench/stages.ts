import { rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readCapabilities } from '../src/ffmpeg/capabilities.ts';
import type { Plan } from '../src/pipeline/plan-schema.ts';
import { findTorch, measureEquality, torchArguments, type Equality } from './torch.ts';
import { runFfmpeg, SAMPLES, tools } from './clips.ts';
import { measureParts, type Parts } from './overhead.ts';
import { runMeasured, upscaleArguments, type Measured } from './run-measured.ts';

/** Smallest, median and largest of the rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface WayRow {
  readonly way: string;
  /** What it does else than the whole of Upreel's run; empty where it does the same. */
  readonly note: string;
  /** Of one frame, start and end of the program included. */
  readonly wallSeconds: Spread;
  readonly cpuSeconds: Spread;
  /** Over Upreel's in the same round. */
  readonly wallRatio: Spread;
  readonly cpuRatio: Spread;
}

export interface StageBench {
  readonly clip: { readonly frames: number; readonly width: number; readonly height: number };
  readonly rounds: number;
  readonly model: string;
  readonly ways: readonly WayRow[];
  /** CPU seconds of one frame: the parts of Upreel's run without blending measured alone, and what the run takes beyond them. */
  readonly stages: Parts & { readonly rest: number };
  /** What PyTorch's frames differ from Upreel's by; null without PyTorch. */
  readonly equality: Equality | null;
  readonly versions: Readonly<Record<string, string>>;
  /** What was not measured, and why. */
  readonly absent: readonly { readonly way: string; readonly reason: string }[];
}

interface Way {
  readonly way: string;
  readonly note: string;
  /** Of the whole clip, or of as many frames as it says. */
  readonly run: () => Promise<Pick<Measured, 'cpuSeconds' | 'wallSeconds'> & { readonly frames?: number }>;
}

const WIDTH = 720;
const HEIGHT = 576;
const OWN = 'upreel';
/** A frame of UpscalerJS takes as long as the whole clip does elsewhere. */
const SLOW_FRAMES = 1;

/**
 * `npm run bench -- stages [--rounds N] [--frames N] [--model NAME] [--upscalerjs FOLDER] [--python PATH]`: Upreel beside what a user would take
 * instead, by turns on one clip: each round runs every way once.
 */
export async function benchStages(folder: string, args: readonly string[]): Promise<StageBench> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      frames: { type: 'string', default: '24' },
      model: { type: 'string', default: 'balanced' },
      upscalerjs: { type: 'string' },
      python: { type: 'string' },
    },
  });
  const [rounds, frames] = [Number(values.rounds), Number(values.frames)];
  const clip = makeRealClip(folder, frames);
  const output = path.join(folder, 'own.mkv');
  const own = [...upscaleArguments(clip, output), '--model', values.model];
  const plain = [...own, '--temporal', 'off'];
  // The first run fills caches; its plan says what all others do.
  const { plan } = (
    JSON.parse((await runMeasured(process.execPath, plain)).stdout) as { result: { plan: Plan } }
  ).result;
  const absent: { way: string; reason: string }[] = [];
  const versions: Record<string, string> = {};

  const encoder = ['-map', '0:v:0', ...plan.encode.encoderArguments];
  const target = path.join(folder, 'other.mkv');
  const enlarge = `scale=${String(2 * WIDTH)}:${String(2 * HEIGHT)}:flags=lanczos`;
  const lanczos = ['-v', 'error', '-nostdin', '-y', '-i', clip, '-vf', enlarge, ...encoder, target];
  const ways: Way[] = [
    { way: OWN, note: '', run: () => runMeasured(process.execPath, own) },
    { way: 'upreel --temporal off', note: 'no blending', run: () => runMeasured(process.execPath, plain) },
    {
      way: 'ffmpeg Lanczos',
      note: 'no network, no blending',
      run: () => runMeasured(tools.ffmpeg, lanczos),
    },
  ];
  absent.push(await explainNoDnn());

  const torch = findTorch(values.python);
  if ('reason' in torch) absent.push({ way: 'PyTorch', reason: torch.reason });
  else {
    versions['torch'] = torch.version;
    const call = torchArguments(plan, { clip, output: target, encoder: plan.encode.encoderArguments });
    const run = (): Promise<Measured> => runMeasured(torch.python, call);
    ways.push({ way: 'PyTorch script', note: 'same networks and encoder, no blending', run });
  }
  if (values.upscalerjs === undefined) {
    const reason =
      'name a folder with --upscalerjs after npm install upscaler @upscalerjs/default-model @tensorflow/tfjs@4.11.0 @tensorflow/tfjs-backend-wasm@4.11.0 in it';
    absent.push({ way: 'UpscalerJS', reason });
  } else {
    const raw = path.join(folder, 'frames.rgb');
    runFfmpeg(['-i', clip, '-frames:v', String(SLOW_FRAMES), '-pix_fmt', 'rgb24', '-f', 'rawvideo', raw]);
    const given = [values.upscalerjs, raw, String(WIDTH), String(HEIGHT), String(SLOW_FRAMES)];
    const call = ['--import', 'tsx', 'bench/upscalerjs-frames.ts', ...given];
    ways.push({
      way: 'UpscalerJS',
      note: 'its own network alone: no decoding, no encoding, no start-up',
      run: async () => {
        const { stdout } = await runMeasured(process.execPath, call);
        const measured = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured & { backend: string };
        versions['UpscalerJS backend'] = measured.backend;
        return { ...measured, frames: SLOW_FRAMES };
      },
    });
  }

  const taken = await runByTurns(ways, rounds, frames);
  const parts = await measureParts(clip, output, plan);
  const perFrame = (seconds: number): number => seconds / frames;
  const whole = medianOf(taken.get('upreel --temporal off')?.map(({ cpu }) => cpu) ?? []);
  const stages = {
    decode: perFrame(parts.decode),
    infer: perFrame(parts.infer),
    encode: perFrame(parts.encode),
  };
  const equality = 'reason' in torch ? null : await measureEquality(folder, clip, plan, torch);
  await rm(target, { force: true });
  return {
    clip: { frames, width: WIDTH, height: HEIGHT },
    ...{ rounds, model: values.model },
    ways: ways.map(({ way, note }) => describeWay(way, note, taken)),
    stages: { ...stages, rest: whole - stages.decode - stages.infer - stages.encode },
    ...{ equality, versions, absent },
  };
}

interface Taken {
  readonly cpu: number;
  readonly wall: number;
}

/** Seconds of a frame, by way and round. */
async function runByTurns(
  ways: readonly Way[],
  rounds: number,
  frames: number,
): Promise<Map<string, Taken[]>> {
  const taken = new Map<string, Taken[]>(ways.map(({ way }) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { way, run } of ways) {
      const { cpuSeconds, wallSeconds, frames: done = frames } = await run();
      taken.get(way)?.push({ cpu: cpuSeconds / done, wall: wallSeconds / done });
      console.error(`round ${String(round + 1)}: ${way}: ${(wallSeconds / done).toFixed(3)} s a frame`);
    }
  }
  return taken;
}

function describeWay(way: string, note: string, all: ReadonlyMap<string, readonly Taken[]>): WayRow {
  const [mine, own] = [all.get(way) ?? [], all.get(OWN) ?? []];
  return {
    ...{ way, note },
    wallSeconds: spread(mine.map(({ wall }) => wall)),
    cpuSeconds: spread(mine.map(({ cpu }) => cpu)),
    wallRatio: spread(mine.map(({ wall }, i) => wall / (own[i]?.wall ?? Number.NaN))),
    cpuRatio: spread(mine.map(({ cpu }, i) => cpu / (own[i]?.cpu ?? Number.NaN))),
  };
}

function spread(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: medianOf(values), max: Math.max(...values) };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** Real pictures at the size of a PAL tape. */
function makeRealClip(folder: string, frames: number): string {
  const file = path.join(folder, 'clip.mkv');
  runFfmpeg([
    ...['-stream_loop', '-1', '-i', path.join(SAMPLES, 'outdoors.mkv')],
    ...[
      '-vf',
      `scale=${String(WIDTH)}:${String(HEIGHT)}:flags=bicubic,setsar=1`,
      '-frames:v',
      String(frames),
    ],
    ...['-c:v', 'libx264', '-crf', '18', '-pix_fmt', 'yuv420p', '-an', file],
  ]);
  return file;
}

/** Why ffmpeg's own networks are not run. */
async function explainNoDnn(): Promise<{ way: string; reason: string }> {
  const { filters } = await readCapabilities(tools);
  const found = ['sr', 'dnn_processing'].filter((name) => filters.has(name));
  const has =
    found.length === 0 ? 'has neither sr nor dnn_processing' : `has ${found.join(' and ')}, but no model`;
  return {
    way: 'ffmpeg sr, dnn_processing',
    reason: `ffmpeg ${tools.version.text} ${has}; none comes with it`,
  };
}
