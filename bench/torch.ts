import { spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import type { Plan } from '../src/pipeline/plan-schema.ts';
import { runFfmpeg, tools } from './clips.ts';
import { runMeasured, upscaleArguments } from './run-measured.ts';

/** A Python that has PyTorch and onnx, or why there is none. */
export type Torch = { readonly python: string; readonly version: string } | { readonly reason: string };

export interface Equality {
  readonly frames: number;
  /** Largest difference in code values, and the share of samples that differ at all. */
  readonly largest: number;
  readonly differing: number;
}

const SCRIPT = 'bench/torch-upscale.py';
/** Frames that are compared. */
const COMPARED = 8;

/** Looks for PyTorch in the Python that is named, else in the usual ones. */
export function findTorch(named: string | undefined): Torch {
  for (const python of named === undefined ? ['python3', '/usr/bin/python3'] : [named]) {
    const { status, stdout } = spawnSync(python, ['-c', 'import torch, onnx; print(torch.__version__)']);
    if (status === 0) return { python, version: stdout.toString().trim() };
  }
  return {
    reason: 'no Python with torch and onnx was found (Debian: apt-get install python3-torch python3-onnx)',
  };
}

/** Arguments of the script that does what a plan does, for clips of 8-bit 4:2:0. */
export function torchArguments(
  { infer, decode, frameRate }: Plan,
  {
    clip,
    output,
    encoder,
  }: { readonly clip: string; readonly output: string; readonly encoder: readonly string[] },
): string[] {
  const chroma = infer.chroma?.network.path;
  return [
    ...[SCRIPT, '--luma', String(infer.passes[0]?.path), '--ffmpeg', tools.ffmpeg],
    ...(chroma === undefined ? [] : ['--chroma', chroma]),
    ...['--size', `${String(decode.width)}x${String(decode.height)}`],
    ...['--rate', frameRate === null ? '25' : `${String(frameRate.num)}/${String(frameRate.den)}`],
    ...['--threads', String(os.availableParallelism()), clip, output, '--', ...encoder],
  ];
}

/** Compares frames that the script makes with Upreel's, sample by sample. Throws where one differs by more than 1. */
export async function measureEquality(
  folder: string,
  clip: string,
  plan: Plan,
  { python }: Extract<Torch, { python: string }>,
): Promise<Equality> {
  const short = path.join(folder, 'short.mkv');
  runFfmpeg(['-i', clip, '-frames:v', String(COMPARED), '-c:v', 'ffv1', short]);
  const [own, other] = [path.join(folder, 'own-frames.mkv'), path.join(folder, 'torch-frames.mkv')];
  const model = plan.infer.passes[0]?.id ?? '';
  const lossless = ['--encoder', 'ffv1', '--temporal', 'off', '--model', model];
  await runMeasured(process.execPath, [...upscaleArguments(short, own), ...lossless]);
  await runMeasured(python, torchArguments(plan, { clip: short, output: other, encoder: ['-c:v', 'ffv1'] }));
  const [a, b] = [readRaw(own), readRaw(other)];
  if (a.length !== b.length) throw new Error('PyTorch gave another number of frames.');
  let [largest, differing] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    if (difference > 0) differing++;
    largest = Math.max(largest, difference);
  }
  if (largest > 1) throw new Error(`PyTorch's frames differ from Upreel's by ${String(largest)}.`);
  return { frames: COMPARED, largest, differing: differing / a.length };
}

function readRaw(file: string): Buffer {
  const args = ['-v', 'error', '-i', file, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-'];
  const { status, stdout, stderr } = spawnSync(tools.ffmpeg, args, { maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}
