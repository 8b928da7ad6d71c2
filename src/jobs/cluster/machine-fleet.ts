import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { FfmpegTools } from '../../ffmpeg/tools.ts';
import { onnxruntimeVersion } from '../../pipeline/prepare.ts';
import { describeFleet } from './fleet.ts';

/** Sets of instructions by which onnxruntime chooses its kernels; others round otherwise. */
const TELLING = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'avx_vnni', 'amx_int8'];

/** The fleet that this machine belongs to when it runs models on `device`. */
export async function findFleet(tools: FfmpegTools, device: string): Promise<string> {
  return describeFleet({
    ffmpeg: tools.version.text,
    onnxruntime: onnxruntimeVersion(),
    device,
    processor: device === 'cpu' ? await describeProcessor() : process.arch,
  });
}

async function describeProcessor(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.trim().split(' '));
  return [process.arch, ...TELLING.filter((flag) => flags.has(flag))].join(' ');
}
