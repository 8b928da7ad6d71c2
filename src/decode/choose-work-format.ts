import { findPixelFormat, type ChromaSubsampling, type PixelFormat } from '../core/pixel-format.ts';
import { UpscaleError } from '../core/errors.ts';
import { readPixelTraits, workingBits } from './pixel-traits.ts';
import type { VideoStream } from './source.ts';

export interface WorkFormatWishes {
  /** Channels of the model: 1 works on each plane, 3 needs RGB. */
  readonly modelChannels: 1 | 3 | 4;
  /** The output can hold RGB, so an RGB source need not become YUV. */
  readonly keepRgb: boolean;
  readonly keepAlpha: boolean;
}

/** Chooses the planar format in which frames are worked on: the one nearest to the source's that loses nothing of it. */
export function chooseWorkFormat(
  video: Pick<VideoStream, 'pixelFormat' | 'hasAlpha' | 'rotation'>,
  wishes: WorkFormatWishes,
): string {
  const traits = readPixelTraits(video.pixelFormat);
  const bits = workingBits(traits.bits);
  const hasAlpha = wishes.keepAlpha && video.hasAlpha;
  const rgb = wishes.modelChannels !== 1 || (traits.family === 'rgb' && wishes.keepRgb);
  if (rgb) return find({ family: 'rgb', bits, chroma: null, hasAlpha });
  // Gray gets empty chroma planes, RGB full ones: what encoders take.
  const own = traits.family === 'yuv' ? traits.chroma : traits.family === 'gray' ? '420' : '444';
  // Turned by a quarter, chroma that is halved across would be halved down; full chroma holds both.
  const chroma = video.rotation % 180 !== 0 && own !== '420' ? '444' : own;
  return find({ family: 'yuv', bits, chroma, hasAlpha });
}

function find(wanted: {
  family: PixelFormat['family'];
  bits: number;
  chroma: ChromaSubsampling | null;
  hasAlpha: boolean;
}): string {
  // 4:4:0, 4:1:1 and 4:1:0 exist with 8 bits and without alpha; yuva has no 12 bits.
  const unusual = wanted.chroma === '440' || wanted.chroma === '411' || wanted.chroma === '410';
  const chroma = unusual && (wanted.bits > 8 || wanted.hasAlpha) ? '444' : wanted.chroma;
  const bits = wanted.family === 'yuv' && wanted.hasAlpha && wanted.bits === 12 ? 16 : wanted.bits;
  const format = findPixelFormat({ ...wanted, chroma, bits });
  if (format === null) {
    throw new UpscaleError('INTERNAL', `No working format for ${JSON.stringify(wanted)}`);
  }
  return format.name;
}
