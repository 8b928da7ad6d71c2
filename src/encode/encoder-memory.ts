import { frameBytes, pixelFormat } from '../core/pixel-format.ts';

export interface EncoderMemoryInput {
  readonly encoder: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly threads: number;
}

const MIB = 1024 * 1024;

/** Frames that each encoder holds at Upreel's settings: look-ahead, references, reordering and threads; fitted to measured peaks. */
export function estimateEncoderMemory(input: EncoderMemoryInput): number {
  const frame = frameBytes(pixelFormat(input.format), input.width, input.height);
  const pixels = input.width * input.height;
  const threads = input.threads > 0 ? input.threads : 4;
  return Math.round(40 * MIB + heldFrames(input.encoder, pixels, threads) * frame);
}

function heldFrames(encoder: string, pixels: number, threads: number): number {
  const huge = pixels >= 16_000_000;
  const large = pixels >= 6_000_000;
  if (encoder === 'libx264') return (huge ? 18 : large ? 28 : 50) + 3 * threads;
  if (encoder === 'libx265') return (huge ? 24 : large ? 34 : 48) + 6 * threads;
  if (encoder === 'libvpx-vp9' || encoder === 'libaom-av1') return huge ? 30 : 45;
  if (encoder === 'libsvtav1') return 90;
  return 6 + 2 * threads;
}
