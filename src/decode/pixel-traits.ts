import type { ChromaSubsampling } from '../core/pixel-format.ts';

/** What the name of one of ffmpeg's pixel formats says about it. */
export interface PixelTraits {
  readonly family: 'gray' | 'yuv' | 'rgb';
  readonly bits: number;
  readonly chroma: ChromaSubsampling | null;
  readonly hasAlpha: boolean;
  /** `yuvj*`: full range by name. */
  readonly fullRange: boolean;
}

/** Semi-planar and packed YUV formats, whose names do not say their subsampling in digits. */
const PACKED: Readonly<Record<string, readonly [ChromaSubsampling, number]>> = {
  nv12: ['420', 8],
  nv21: ['420', 8],
  nv16: ['422', 8],
  nv20: ['422', 10],
  nv24: ['444', 8],
  nv42: ['444', 8],
  yuyv422: ['422', 8],
  uyvy422: ['422', 8],
  yvyu422: ['422', 8],
  uyyvyy411: ['411', 8],
  p010: ['420', 10],
  p012: ['420', 12],
  p016: ['420', 16],
  p210: ['422', 10],
  p216: ['422', 16],
  p410: ['444', 10],
  p416: ['444', 16],
  y210: ['422', 10],
  y212: ['422', 12],
  ayuv64: ['444', 16],
  vuya: ['444', 8],
  xv30: ['444', 10],
  xv36: ['444', 12],
};

/** Reads a pixel format's name, with or without its endianness. Names that nobody knows count as RGB with 8 bits. */
export function readPixelTraits(name: string): PixelTraits {
  const stem = name.replace(/(le|be)$/, '');
  const packed = PACKED[stem];
  if (packed !== undefined) {
    const hasAlpha = stem === 'ayuv64' || stem === 'vuya';
    return { family: 'yuv', chroma: packed[0], bits: packed[1], hasAlpha, fullRange: false };
  }
  const yuv = /^yuv(j|a)?(4\d\d)p(\d+)?$/.exec(stem);
  if (yuv !== null) {
    return {
      family: 'yuv',
      chroma: yuv[2] as ChromaSubsampling,
      bits: Number(yuv[3] ?? 8),
      hasAlpha: yuv[1] === 'a',
      fullRange: yuv[1] === 'j',
    };
  }
  const gray = /^(gray|ya|y)(\d+)?$/.exec(stem);
  if (gray !== null || stem.startsWith('mono')) {
    const bits = Number(gray?.[2] ?? 8);
    return { family: 'gray', chroma: null, bits, hasAlpha: gray?.[1] === 'ya', fullRange: false };
  }
  return {
    family: 'rgb',
    chroma: null,
    bits: readRgbBits(stem),
    hasAlpha: /^(rgba|bgra|argb|abgr|gbrap|pal8)/.test(stem),
    fullRange: true,
  };
}

function readRgbBits(stem: string): number {
  if (/^(rgb48|bgr48|rgba64|bgra64)/.test(stem) || /f(16|32)$/.test(stem)) return 16;
  if (/^x2(rgb|bgr)10$/.test(stem)) return 10;
  const planar = /^gbra?p(\d+)$/.exec(stem);
  return Number(planar?.[1] ?? 8);
}

/** The next depth that frames may have inside a lane. */
export function workingBits(bits: number): 8 | 10 | 12 | 16 {
  return bits <= 8 ? 8 : bits <= 10 ? 10 : bits <= 12 ? 12 : 16;
}

/** ffmpeg's name of the planar format with these traits, at whatever depth the source has. */
export function planarName(traits: PixelTraits): string {
  const depth = traits.bits === 8 ? '' : `${String(traits.bits)}le`;
  if (traits.family === 'gray') return `gray${depth}`;
  if (traits.family === 'rgb') return `${traits.hasAlpha ? 'gbrap' : 'gbrp'}${depth}`;
  const letter = traits.fullRange ? 'j' : traits.hasAlpha ? 'a' : '';
  return `yuv${letter}${traits.chroma ?? '420'}p${depth}`;
}
