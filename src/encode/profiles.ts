import { UpscaleError } from '../core/errors.ts';
import {
  findPixelFormat,
  pixelFormat,
  type ChromaSubsampling,
  type PixelFormat,
} from '../core/pixel-format.ts';
import { isHdrTransfer } from '../core/color.ts';
import type { EncodeSource } from './encode-source.ts';

export type VideoCodec = 'h264' | 'hevc' | 'av1' | 'vp9' | 'prores' | 'dnxhd' | 'ffv1' | 'png' | 'tiff';

/** What a named profile can hold and which of ffmpeg's encoders make it. */
export interface EncoderProfile {
  /** What `--encoder` takes. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  readonly codec: VideoCodec;
  /** ffmpeg's encoders that can make it, best first. */
  readonly encoders: readonly string[];
  /** `rgb`: pictures of RGB stay RGB. */
  readonly family: 'yuv' | 'rgb';
  /** Whether an alpha plane is kept. */
  readonly alpha: boolean;
  /** Depths that it can hold, ascending; deeper frames are made shallower. */
  readonly depths: readonly number[];
  readonly chromas: readonly ChromaSubsampling[];
  /** Whether it is one of a graphics chip's encoders, which must be tried before they are relied on. */
  readonly hardware: boolean;
  /** Extension of a file when no output was named. */
  readonly extension: string;
}

const DELIVERY: readonly ChromaSubsampling[] = ['420', '422', '444'];

function define(
  name: string,
  title: string,
  codec: VideoCodec,
  rest: Partial<EncoderProfile> & Pick<EncoderProfile, 'encoders' | 'depths'>,
): EncoderProfile {
  return {
    name,
    title,
    codec,
    family: 'yuv',
    alpha: false,
    chromas: DELIVERY,
    hardware: false,
    extension: 'mp4',
    ...rest,
  };
}

/** Apple's six flavours: bits a second at 1920x1080 and 30 frames, from the ProRes white paper. */
export const PRORES_FLAVOURS = {
  prores: { profile: 3, megabits: 220, chroma: '422' },
  'prores-proxy': { profile: 0, megabits: 45, chroma: '422' },
  'prores-lt': { profile: 1, megabits: 102, chroma: '422' },
  'prores-standard': { profile: 2, megabits: 147, chroma: '422' },
  'prores-hq': { profile: 3, megabits: 220, chroma: '422' },
  'prores-4444': { profile: 4, megabits: 330, chroma: '444' },
  'prores-4444xq': { profile: 5, megabits: 500, chroma: '444' },
} as const;

/** Avid's resolution independent flavours: bits a pixel. */
export const DNXHR_FLAVOURS = {
  dnxhr: { profile: null, bitsPerPixel: 3.5 },
  'dnxhr-lb': { profile: 'dnxhr_lb', bitsPerPixel: 0.73 },
  'dnxhr-sq': { profile: 'dnxhr_sq', bitsPerPixel: 2.33 },
  'dnxhr-hq': { profile: 'dnxhr_hq', bitsPerPixel: 3.5 },
  'dnxhr-hqx': { profile: 'dnxhr_hqx', bitsPerPixel: 3.5 },
  'dnxhr-444': { profile: 'dnxhr_444', bitsPerPixel: 7 },
} as const;

function defineHardware(): EncoderProfile[] {
  const chips = {
    nvenc: 'NVIDIA',
    qsv: 'Intel Quick Sync',
    vaapi: 'VA-API',
    videotoolbox: 'Apple',
    amf: 'AMD',
  };
  return Object.entries(chips).flatMap(([chip, maker]) =>
    (['h264', 'hevc', 'av1'] as const)
      .filter((codec) => codec !== 'av1' || chip !== 'videotoolbox')
      .map((codec) =>
        define(`${codec}_${chip}`, `${maker} ${codec === 'hevc' ? 'H.265' : codec.toUpperCase()}`, codec, {
          encoders: [`${codec}_${chip}`],
          depths: codec === 'h264' ? [8] : [8, 10],
          chromas: ['420'],
          hardware: true,
        }),
      ),
  );
}

const PROFILES: readonly EncoderProfile[] = [
  define('h264', 'H.264: plays everywhere', 'h264', { encoders: ['libx264'], depths: [8, 10] }),
  define('h265', 'H.265, 10 or 12 bits: half the size, HDR, 8K', 'hevc', {
    encoders: ['libx265'],
    depths: [10, 12],
  }),
  define('av1', 'AV1, 10 bits', 'av1', {
    encoders: ['libsvtav1', 'libaom-av1', 'librav1e'],
    depths: [10],
    chromas: ['420'],
  }),
  define('vp9', 'VP9: for WebM, keeps alpha', 'vp9', {
    encoders: ['libvpx-vp9'],
    depths: [8, 10, 12],
    alpha: true,
    extension: 'webm',
  }),
  ...Object.entries(PRORES_FLAVOURS).map(([name, { chroma }]) =>
    define(name, `ProRes ${name.split('-')[1] ?? 'hq'}: for editing`, 'prores', {
      encoders: ['prores_ks'],
      depths: [10],
      chromas: [chroma],
      alpha: chroma === '444',
      extension: 'mov',
    }),
  ),
  ...Object.keys(DNXHR_FLAVOURS).map((name) =>
    define(name, `DNxHR ${name.split('-')[1] ?? 'hq or hqx'}: for editing`, 'dnxhd', {
      encoders: ['dnxhd'],
      depths: name === 'dnxhr' ? [8, 10] : name === 'dnxhr-hqx' || name === 'dnxhr-444' ? [10] : [8],
      chromas: [name === 'dnxhr-444' ? '444' : '422'],
      extension: 'mov',
    }),
  ),
  define('ffv1', 'FFV1: lossless, for archives', 'ffv1', {
    encoders: ['ffv1'],
    family: 'rgb',
    alpha: true,
    depths: [8, 10, 12, 16],
    chromas: ['420', '422', '444', '411', '410', '440'],
    extension: 'mkv',
  }),
  define('png', 'PNG pictures, 8 or 16 bits', 'png', {
    encoders: ['png'],
    family: 'rgb',
    alpha: true,
    depths: [8, 16],
    extension: 'png',
  }),
  define('tiff', 'TIFF pictures, 8 or 16 bits', 'tiff', {
    encoders: ['tiff'],
    family: 'rgb',
    alpha: true,
    depths: [8, 16],
    extension: 'tiff',
  }),
  ...defineHardware(),
];

const ALIASES: Readonly<Record<string, string>> = {
  hevc: 'h265',
  libx264: 'h264',
  libx265: 'h265',
  x264: 'h264',
  x265: 'h265',
  tif: 'tiff',
  'prores-422': 'prores-standard',
  'prores-xq': 'prores-4444xq',
};

/** All profiles that `--encoder` takes by name, beside `auto` and `auto-hw`. */
export function listProfiles(): readonly EncoderProfile[] {
  return PROFILES;
}

/** Largest picture of H.264's level 5.2, which is where players and television sets stop. */
const H264_COMMON = { width: 4096, height: 2304 };

/**
 * Finds the profile behind a name; `auto` is chosen by the output's extension, the source's depth and the output's size.
 * Throws `USAGE` for a name that is none.
 */
export function findProfile(
  name: string,
  source: Pick<EncodeSource, 'video'>,
  outputPath: string,
  size?: { readonly width: number; readonly height: number },
): EncoderProfile {
  const wanted = name === 'auto' || name === 'auto-hw' ? chooseByOutput(source, outputPath, size) : name;
  const found = PROFILES.find((profile) => profile.name === (ALIASES[wanted] ?? wanted));
  if (found === undefined) {
    const names = PROFILES.filter(({ hardware }) => !hardware).map((profile) => profile.name);
    throw new UpscaleError('USAGE', `There is no encoder ${name}.`, {
      hint: `Choose one of auto, auto-hw, ${names.join(', ')}, or a hardware encoder such as h264_nvenc.`,
    });
  }
  return found;
}

function chooseByOutput(
  { video }: Pick<EncodeSource, 'video'>,
  outputPath: string,
  size: { readonly width: number; readonly height: number } | undefined,
): string {
  const extension = /\.([^./\\]+)$/.exec(outputPath)?.[1]?.toLowerCase() ?? '';
  if (extension === 'png') return 'png';
  if (extension === 'tif' || extension === 'tiff') return 'tiff';
  if (extension === 'webm') return 'vp9';
  const plain = video.bits <= 8 && !isHdrTransfer(video.color.transfer);
  const common = size === undefined || (size.width <= H264_COMMON.width && size.height <= H264_COMMON.height);
  return plain && common ? 'h264' : 'h265';
}

/** Extension of the output when no name was given. */
export function defaultExtension(name: string, source: Pick<EncodeSource, 'video'>): string {
  return findProfile(name, source, '').extension;
}

/**
 * The working pixel format in which the encoder wants its frames, so that the network's last step makes it and nothing is converted
 * afterwards. Frames in RGB for a YUV encoder stay RGB here, in the encoder's depth; ffmpeg converts them.
 */
export function outputFormatFor(profile: EncoderProfile, inputWorkFormat: string): string {
  const work = pixelFormat(inputWorkFormat);
  const hasAlpha = work.hasAlpha && profile.alpha;
  const depth = profile.depths.find((bits) => bits >= work.bits) ?? profile.depths.at(-1) ?? work.bits;
  if (work.family === 'gray')
    return findFormat({ family: 'gray', bits: depth, chroma: null, hasAlpha: false });
  if (work.family === 'rgb') return findFormat({ family: 'rgb', bits: depth, chroma: null, hasAlpha });
  const chroma =
    hasAlpha && profile.codec === 'vp9' ? '420' : nearestChroma(work.chroma ?? '420', profile.chromas);
  const alphaDepth = hasAlpha && profile.codec === 'vp9' ? 8 : hasAlpha && depth === 12 ? 16 : depth;
  return findFormat({ family: 'yuv', bits: alphaDepth, chroma, hasAlpha });
}

/**
 * The chroma grid to encode. 4:1:1 and 4:1:0 of old tapes become 4:2:0 in delivery formats: enlarged by 2 it still holds every chroma
 * sample of them.
 */
function nearestChroma(wanted: ChromaSubsampling, offered: readonly ChromaSubsampling[]): ChromaSubsampling {
  if (offered.includes(wanted)) return wanted;
  const order: Record<ChromaSubsampling, readonly ChromaSubsampling[]> = {
    '420': ['420', '422', '444'],
    '411': ['420', '422', '444'],
    '410': ['420', '422', '444'],
    '422': ['422', '444', '420'],
    '440': ['444', '422', '420'],
    '444': ['444', '422', '420'],
  };
  return order[wanted].find((chroma) => offered.includes(chroma)) ?? '420';
}

function findFormat(traits: Parameters<typeof findPixelFormat>[0]): string {
  const format: PixelFormat | null = findPixelFormat(traits);
  if (format === null) {
    throw new UpscaleError('INTERNAL', `No working pixel format for ${JSON.stringify(traits)}`);
  }
  return format.name;
}
