import type { InferPlan } from '../infer/infer-plan.ts';

/** Floating point operations a second that one core gives a network of 16 channels or more; measured by `npm run bench`. */
export const CORE_FLOPS = 110e9;
/** How many times faster networks are in int8, where it is taken. */
const INT8_GAIN = 2.4;
/** Accelerators differ by a factor of a hundred; this is a small one. */
const ACCELERATOR_FLOPS = 2e12;
/** CPU seconds a pixel at Upreel's default settings. */
const ENCODER_SECONDS: Readonly<Record<string, number>> = {
  libx264: 90e-9,
  libx265: 200e-9,
  'libvpx-vp9': 400e-9,
  'libaom-av1': 900e-9,
  libsvtav1: 150e-9,
  prores_ks: 150e-9,
  dnxhd: 40e-9,
  ffv1: 60e-9,
  png: 100e-9,
  tiff: 40e-9,
};
const HARDWARE_ENCODER_SECONDS = 5e-9;
/** Decoding, pipes, resampling. */
const SECONDS_A_SOURCE_PIXEL = 12e-9;

export interface TimeEstimateInput {
  readonly frames: number;
  readonly infer: Pick<InferPlan, 'passes' | 'chroma' | 'precision'>;
  readonly source: { readonly width: number; readonly height: number };
  readonly output: { readonly width: number; readonly height: number };
  readonly encoder: string;
  readonly cores: number;
  readonly accelerated: boolean;
}

/** About how long a run takes on this many cores, in seconds of wall time: an estimate, good to a factor of two. */
export function estimateSeconds(input: TimeEstimateInput): number {
  const sourcePixels = input.source.width * input.source.height;
  let pixels = sourcePixels;
  let flops = 0;
  const { passes, chroma, precision } = input.infer;
  const gain = precision === 'int8' ? INT8_GAIN : 1;
  for (const [i, pass] of passes.entries()) {
    flops += (pass.flopsPerSample * pixels) / gain;
    // Chroma has a quarter of the samples where a network enlarges it.
    if (chroma !== null && i < chroma.passes) flops += (chroma.network.flopsPerSample * pixels) / 4;
    pixels *= pass.scale * pass.scale;
  }
  const inference = flops / (input.accelerated ? ACCELERATOR_FLOPS : CORE_FLOPS);
  const encoding =
    input.output.width * input.output.height * (ENCODER_SECONDS[input.encoder] ?? HARDWARE_ENCODER_SECONDS);
  const cpu = encoding + sourcePixels * SECONDS_A_SOURCE_PIXEL + (input.accelerated ? 0 : inference);
  const frame = Math.max(cpu / input.cores, input.accelerated ? inference : 0);
  return 1 + input.frames * frame;
}
