import process from 'node:process';
import type { FfmpegTools } from '../../ffmpeg/tools.ts';
import { readProcessorFlags } from '../../infer/processor.ts';
import { onnxruntimeVersion } from '../../pipeline/prepare.ts';
import { describeFleet } from './fleet.ts';

/** Sets of instructions by which onnxruntime chooses its kernels; others round otherwise. */
const TELLING = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'avx_vnni', 'amx_int8'];

/** The fleet that this machine belongs to when it runs models on `device`. */
export function findFleet(tools: FfmpegTools, device: string): string {
  return describeFleet({
    ffmpeg: tools.version.text,
    onnxruntime: onnxruntimeVersion(),
    device,
    processor: device === 'cpu' ? describeProcessor() : process.arch,
  });
}

function describeProcessor(): string {
  const flags = readProcessorFlags();
  return [process.arch, ...TELLING.filter((flag) => flags.has(flag))].join(' ');
}
