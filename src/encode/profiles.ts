import { UpscaleError } from '../core/errors.ts';
import {
  findPixelFormat,
  pixelFormat,
  type ChromaSubsampling,
  type PixelFormat,
} from '../core/pixel-format.ts';

/** What an encoder profile takes and makes. */
export interface EncoderProfile {
  readonly name: string;
  readonly title: string;
  /** ffmpeg's encoders that can do it, best first. */
  readonly encoders: readonly string[];
  readonly family: 'yuv' | 'rgb' | 'any';
  /** Depths that the encoder takes, ascending. */
  readonly bits: readonly number[];
  readonly chroma: readonly ChromaSubsampling[];
  readonly alpha: boolean;
  /** File extension when the user names no output. */
  readonly extension: string;
  /** Muxers that can hold it. */
  readonly muxers: readonly string[];
  readonly defaultCrf: number | null;
  readonly crfRange: readonly [number, number] | null;
  readonly defaultPreset: string | null;
  /** Fixed arguments. */
  readonly arguments: readonly string[];
  /** Bits a pixel that the default quality takes, for estimates. */
  readonly bitsPerPixel: number;
}

const ALL_CHROMA: readonly ChromaSubsampling[] = ['420', '422', '444'];
const COMMON_MUXERS = ['mp4', 'mov', 'matroska', 'mpegts', 'nut'];

const LOSSY_YUV = {
  family: 'yuv',
  chroma: ALL_CHROMA,
  alpha: false,
  extension: 'mp4',
  muxers: COMMON_MUXERS,
  crfRange: [0, 51],
  defaultPreset: 'fast',
  arguments: [],
} as const;

const UNGRADED = { defaultCrf: null, crfRange: null, defaultPreset: null } as const;

function prores(
  flavour: string,
  title: string,
  level: number,
  chroma: ChromaSubsampling,
  bitsPerPixel: number,
): EncoderProfile {
  return {
    name: `prores-${flavour}`,
    title,
    encoders: ['prores_ks', 'prores_videotoolbox', 'prores'],
    family: 'yuv',
    bits: [10],
    chroma: [chroma],
    alpha: chroma === '444',
    extension: 'mov',
    muxers: ['mov', 'matroska', 'nut'],
    ...UNGRADED,
    arguments: ['-profile:v', String(level), '-vendor', 'apl0'],
    bitsPerPixel,
  };
}

function dnxhr(
  flavour: string,
  bits: number,
  chroma: ChromaSubsampling,
  bitsPerPixel: number,
): EncoderProfile {
  return {
    name: `dnxhr-${flavour}`,
    title: `DNxHR ${flavour.toUpperCase()}, ${String(bits)} bit`,
    encoders: ['dnxhd'],
    family: 'yuv',
    bits: [bits],
    chroma: [chroma],
    alpha: false,
    extension: 'mov',
    muxers: ['mov', 'matroska', 'nut'],
    ...UNGRADED,
    arguments: ['-profile:v', `dnxhr_${flavour}`],
    bitsPerPixel,
  };
}

function pictures(name: string, title: string, extension: string, args: readonly string[]): EncoderProfile {
  return {
    name,
    title,
    encoders: [name],
    family: 'rgb',
    bits: [8, 16],
    chroma: ['444'],
    alpha: true,
    extension,
    muxers: ['image2'],
    ...UNGRADED,
    arguments: args,
    bitsPerPixel: 14,
  };
}

const PROFILES: readonly EncoderProfile[] = [
  {
    ...LOSSY_YUV,
    name: 'h264',
    title: 'H.264 (x264)',
    encoders: ['libx264'],
    bits: [8, 10],
    defaultCrf: 17,
    bitsPerPixel: 0.3,
  },
  {
    ...LOSSY_YUV,
    name: 'h264-8bit',
    title: 'H.264 (x264), 8 bit 4:2:0 as every browser plays it',
    encoders: ['libx264'],
    bits: [8],
    chroma: ['420'],
    defaultCrf: 17,
    bitsPerPixel: 0.3,
  },
  {
    ...LOSSY_YUV,
    name: 'h265',
    title: 'H.265 (x265)',
    encoders: ['libx265'],
    bits: [8, 10, 12],
    defaultCrf: 19,
    bitsPerPixel: 0.2,
  },
  {
    ...LOSSY_YUV,
    name: 'av1',
    title: 'AV1',
    encoders: ['libsvtav1', 'libaom-av1'],
    bits: [8, 10],
    chroma: ['420'],
    muxers: ['mp4', 'matroska', 'webm'],
    defaultCrf: 26,
    crfRange: [0, 63],
    defaultPreset: '8',
    bitsPerPixel: 0.15,
  },
  {
    ...LOSSY_YUV,
    name: 'vp9',
    title: 'VP9',
    encoders: ['libvpx-vp9'],
    bits: [8, 10, 12],
    alpha: true,
    extension: 'webm',
    muxers: ['webm', 'matroska', 'mp4'],
    defaultCrf: 22,
    crfRange: [0, 63],
    defaultPreset: '4',
    bitsPerPixel: 0.2,
  },
  prores('proxy', 'ProRes 422 Proxy', 0, '422', 1),
  prores('lt', 'ProRes 422 LT', 1, '422', 2),
  prores('standard', 'ProRes 422', 2, '422', 2.8),
  prores('hq', 'ProRes 422 HQ', 3, '422', 4.2),
  prores('4444', 'ProRes 4444', 4, '444', 6.5),
  prores('4444xq', 'ProRes 4444 XQ', 5, '444', 9),
  dnxhr('lb', 8, '422', 0.9),
  dnxhr('sq', 8, '422', 2.8),
  dnxhr('hq', 8, '422', 4.2),
  dnxhr('hqx', 10, '422', 4.2),
  dnxhr('444', 10, '444', 8.5),
  {
    name: 'ffv1',
    title: 'FFV1, lossless',
    encoders: ['ffv1'],
    family: 'any',
    bits: [8, 10, 12, 16],
    chroma: ['420', '422', '444', '411', '410', '440'],
    alpha: true,
    extension: 'mkv',
    muxers: ['matroska', 'nut'],
    ...UNGRADED,
    arguments: ['-level', '3', '-g', '1', '-slicecrc', '1', '-coder', '1'],
    bitsPerPixel: 10,
  },
  pictures('png', 'PNG pictures', 'png', []),
  pictures('tiff', 'TIFF pictures', 'tif', ['-compression_algo', 'deflate']),
];

const ALIASES: Readonly<Record<string, string>> = {
  prores: 'prores-hq',
  dnxhr: 'dnxhr-hqx',
  hevc: 'h265',
  tif: 'tiff',
};

/** Hardware encoders, named after ffmpeg's: H.264, H.265 or AV1 made by the machine's own circuits. */
const HARDWARE = /^(h264|hevc|av1)_(nvenc|qsv|vaapi|videotoolbox|amf)$/;

/** All profiles that software encoders offer. */
export function listProfiles(): readonly EncoderProfile[] {
  return PROFILES;
}

/** Finds a profile by name or alias. Throws `USAGE` with the names there are. */
export function findProfile(name: string): EncoderProfile {
  const key = name.toLowerCase();
  const hardware = HARDWARE.exec(key);
  if (hardware !== null) return hardwareProfile(key, hardware[1] ?? 'h264');
  const profile = PROFILES.find((entry) => entry.name === (ALIASES[key] ?? key));
  if (profile !== undefined) return profile;
  throw new UpscaleError('USAGE', `There is no encoder profile ${name}.`, {
    hint: `Use auto, auto-hw, ${PROFILES.map((entry) => entry.name).join(', ')}, or a hardware encoder such as h264_nvenc.`,
  });
}

function hardwareProfile(encoder: string, codec: string): EncoderProfile {
  const base = findProfile(codec);
  return {
    ...base,
    name: encoder,
    title: `${codec.toUpperCase()} by hardware (${encoder})`,
    encoders: [encoder],
    bits: codec === 'h264' ? [8] : [8, 10],
    chroma: ['420'],
    alpha: false,
    defaultPreset: null,
    defaultCrf: 19,
  };
}

/**
 * The working format in which the encoder wants frames, so that the lane makes it directly and swscale has nothing to do: the depth and
 * subsampling nearest to the frames' own that the encoder takes, never less of either where it can be helped.
 */
export function outputFormatFor(profile: EncoderProfile, workFormat: string): string {
  const from = pixelFormat(workFormat);
  const bits = profile.bits.find((depth) => depth >= from.bits) ?? profile.bits.at(-1) ?? 8;
  const hasAlpha = from.hasAlpha && profile.alpha;
  // RGB stays RGB here also where the file is YUV: the encoder's own process converts it.
  if (from.family === 'rgb') return nearestFormat({ family: 'rgb', bits, chroma: null, hasAlpha });
  return nearestFormat({
    family: 'yuv',
    bits,
    chroma: nearestChroma(profile, from.chroma ?? '420'),
    hasAlpha,
  });
}

function nearestChroma(profile: EncoderProfile, from: ChromaSubsampling): ChromaSubsampling {
  if (profile.chroma.includes(from)) return from;
  // More chroma rather than less, where the encoder has it.
  const wishes: Readonly<Record<ChromaSubsampling, readonly ChromaSubsampling[]>> = {
    '420': ['422', '444'],
    '422': ['444', '420'],
    '444': ['422', '420'],
    '411': ['420', '422', '444'],
    '410': ['420', '422', '444'],
    '440': ['444', '422', '420'],
  };
  return wishes[from].find((chroma) => profile.chroma.includes(chroma)) ?? '420';
}

function nearestFormat(traits: {
  family: PixelFormat['family'];
  bits: number;
  chroma: ChromaSubsampling | null;
  hasAlpha: boolean;
}): string {
  // yuva has no 12 bits; the unusual subsamplings have 8 only.
  const format =
    findPixelFormat(traits) ??
    findPixelFormat({ ...traits, bits: 16 }) ??
    findPixelFormat({ ...traits, chroma: '444' });
  if (format === null) throw new UpscaleError('INTERNAL', `No working format for ${JSON.stringify(traits)}`);
  return format.name;
}
