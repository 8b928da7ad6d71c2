import { frameBytes, pixelFormat } from '../core/pixel-format.ts';

export interface EncoderMemoryInput {
  readonly encoder: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly threads: number;
}

const MIB = 1024 * 1024;

/**
 * Resident bytes of an encoding ffmpeg at Upreel's settings, in frames: look-ahead, references, reordering and threads. x264 keeps three
 * further planes of luma with each reference, so its frames count more than once. Fitted to peaks measured with ffmpeg 4.1 and 5.1 at
 * 1440x1152, 3840x2160 and 7680x4320 (docs/decisions/0051).
 */
export function estimateEncoderMemory(input: EncoderMemoryInput): number {
  const frame = frameBytes(pixelFormat(input.format), input.width, input.height);
  const pixels = input.width * input.height;
  const threads = input.threads > 0 ? input.threads : 4;
  return Math.round(40 * MIB + heldFrames(input.encoder, pixels, threads, frame) * frame);
}

function heldFrames(encoder: string, pixels: number, threads: number, frame: number): number {
  const huge = pixels >= 16_000_000;
  const large = pixels >= 6_000_000;
  // Above 16 megapixels threads share each frame's slices.
  if (encoder === 'libx264')
    return huge ? 38 + Math.min(4, threads) : large ? 46 + 14 * threads : 77 + 16 * threads;
  // Of deeper frames it holds fewer, being twice as large.
  if (encoder === 'libx265') return (huge ? 41 : large ? 100 : 121) * (frame > 2 * pixels ? 0.8 : 1);
  if (encoder === 'libvpx-vp9') return huge ? 60 : large ? 76 : 93;
  if (encoder === 'libaom-av1') return huge ? 60 : 90;
  if (encoder === 'prores_ks') return 0.5 + 2 * threads;
  if (encoder === 'dnxhd') return Math.max(11, 19 * threads - 8);
  // It takes 148 bytes a pixel for the largest picture that could come out.
  if (encoder === 'ffv1') return 8 + (148 * pixels) / frame;
  if (encoder === 'libsvtav1') return 168;
  return 6 + 2 * threads;
}
