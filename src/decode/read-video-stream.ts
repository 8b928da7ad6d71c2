import type { Color, HdrMetadata } from '../core/color.ts';
import type { Notice } from '../core/notice.ts';
import { parseRational, rational, toNumber, type Rational } from '../core/rational.ts';
import { readDisplayMatrix, readRotation, type Orientation } from './display-matrix.ts';
import type { FfprobeStream } from './ffprobe-json.ts';
import { readPixelTraits } from './pixel-traits.ts';
import type { FieldKind, VideoStream } from './source.ts';

/** Pixels more oblong than this are a mistake of whoever wrote the file. */
const MOST_OBLONG = 8;
const SQUARE: Rational = { num: 1, den: 1 };

export type StreamFacts = Omit<VideoStream, 'fields' | 'scan' | 'hdr'>;

/** Translates ffprobe's view of the video stream; `width`, `height` and `pix_fmt` are there. */
export function readVideoStream(stream: FfprobeStream): { facts: StreamFacts; notices: Notice[] } {
  const notices: Notice[] = [];
  const width = stream.width ?? 0;
  const height = stream.height ?? 0;
  const sampleAspectRatio = readAspect(stream.sample_aspect_ratio, notices);
  const orientation = readOrientation(stream);
  const display = displaySize({ width, height, sampleAspectRatio, rotation: orientation.rotation });
  const pixelFormat = stream.pix_fmt ?? 'yuv420p';
  const alphaDecoder = findAlphaDecoder(stream);
  const traits = readPixelTraits(pixelFormat);
  return {
    facts: {
      index: stream.index,
      codec: stream.codec_name ?? 'unknown',
      profile: stream.profile ?? null,
      width,
      height,
      pixelFormat: alphaDecoder === null ? pixelFormat : 'yuva420p',
      bits: traits.bits,
      hasAlpha: alphaDecoder !== null || traits.hasAlpha,
      decoder: alphaDecoder,
      sampleAspectRatio,
      ...orientation,
      displayWidth: display.width,
      displayHeight: display.height,
      frameRate: readRate(stream.r_frame_rate) ?? readRate(stream.avg_frame_rate),
      averageFrameRate: readRate(stream.avg_frame_rate),
      timeBase: parseRational(stream.time_base ?? '') ?? rational(1, 90000),
      color: readColor(stream, traits.fullRange && traits.family === 'yuv'),
      language: stream.tags['language'] ?? null,
    },
    notices,
  };
}

/** What the file says of its fields: `tt` and `tb` show the top field first, `bb` and `bt` the bottom one. */
export function readFieldOrder(text: string | undefined): FieldKind {
  // The second letter is the order of display.
  if (text === 'tt' || text === 'bt') return 'tff';
  if (text === 'bb' || text === 'tb') return 'bff';
  return text === 'progressive' ? 'progressive' : 'unknown';
}

function readAspect(text: string | undefined, notices: Notice[]): Rational {
  const aspect = parseRational(text ?? '');
  if (aspect === null || aspect.num === 0) return SQUARE;
  const value = toNumber(aspect);
  if (aspect.num > 0 && value <= MOST_OBLONG && value >= 1 / MOST_OBLONG) return aspect;
  notices.push({
    level: 'warning',
    code: 'pixel-aspect-absurd',
    message: `The file says that its pixels are ${text ?? ''}, which cannot be; square pixels are taken.`,
  });
  return SQUARE;
}

function readOrientation(stream: FfprobeStream): Orientation {
  for (const data of stream.side_data_list) {
    if (typeof data['displaymatrix'] === 'string') return readDisplayMatrix(data['displaymatrix']);
    if (typeof data['rotation'] === 'number') return readRotation(data['rotation']);
  }
  const tag = Number(stream.tags['rotate'] ?? '0');
  // The old tag counts clockwise.
  return readRotation(Number.isFinite(tag) ? -tag : 0);
}

/** What decides how large a picture is shown. */
type Shown = Pick<VideoStream, 'width' | 'height' | 'sampleAspectRatio' | 'rotation'>;

/** The picture in whole square pixels: the side that pixel aspect stretches is enlarged, the other one left as it is. */
export function displaySize(video: Shown): { width: number; height: number } {
  const exact = exactDisplaySize(video);
  return { width: Math.round(exact.width), height: Math.round(exact.height) };
}

/** The same, not rounded: 654.5 for the 720 samples of NTSC. */
export function exactDisplaySize({ width, height, sampleAspectRatio, rotation }: Shown): {
  width: number;
  height: number;
} {
  const ratio = toNumber(sampleAspectRatio);
  const wide = ratio >= 1 ? width * ratio : width;
  const high = ratio < 1 ? height / ratio : height;
  return rotation % 180 === 0 ? { width: wide, height: high } : { width: high, height: wide };
}

/** A guess of ffprobe's this near to a usual rate is that one: of a few frames whose times are milliseconds it makes 19001/317 for 60000/1001. */
const SAME_RATE = 1e-6;

/** Rates above what any camera has are a container's time base, not a rate. */
export function readRate(text: string | undefined): Rational | null {
  const rate = parseRational(text ?? '');
  if (rate === null || rate.num <= 0 || toNumber(rate) > 1000) return null;
  const told = toNumber(rate);
  const usual = [rational(Math.round(told)), rational(1000 * Math.round(1.001 * told), 1001)];
  return usual.find((one) => Math.abs(toNumber(one) / told - 1) < SAME_RATE) ?? rate;
}

function readColor(stream: FfprobeStream, fullRange: boolean): Color {
  const known = (value: string | undefined): string =>
    value === undefined || value === 'unknown' || value === 'reserved' ? 'unknown' : value;
  const range = known(stream.color_range);
  const location = known(stream.chroma_location);
  return {
    range: range === 'tv' || range === 'pc' ? range : fullRange ? 'pc' : 'unknown',
    primaries: known(stream.color_primaries),
    transfer: known(stream.color_transfer),
    matrix: known(stream.color_space),
    chromaLocation: (location === 'unspecified' ? 'unknown' : location) as Color['chromaLocation'],
  };
}

/** VP8 and VP9 keep alpha in a second stream of their own that ffmpeg's own decoders leave out. */
function findAlphaDecoder(stream: FfprobeStream): string | null {
  const alpha = stream.tags['alpha_mode'] ?? stream.tags['ALPHA_MODE'];
  if (alpha !== '1') return null;
  return stream.codec_name === 'vp8' ? 'libvpx' : stream.codec_name === 'vp9' ? 'libvpx-vp9' : null;
}

/** Mastering display, content light levels and Dolby Vision from side data of a stream or of its first frame. */
export function readHdr(sideData: readonly Record<string, unknown>[]): HdrMetadata {
  const hdr: HdrMetadata = {};
  for (const data of sideData) {
    const type = readText(data['side_data_type']);
    if (type.startsWith('Mastering display')) {
      const value = (name: string): number => {
        const parsed = parseRational(readText(data[name]));
        return parsed === null ? 0 : toNumber(parsed);
      };
      if (value('max_luminance') > 0) {
        hdr.mastering = {
          red: [value('red_x'), value('red_y')],
          green: [value('green_x'), value('green_y')],
          blue: [value('blue_x'), value('blue_y')],
          white: [value('white_point_x'), value('white_point_y')],
          minLuminance: value('min_luminance'),
          maxLuminance: value('max_luminance'),
        };
      }
    } else if (type.startsWith('Content light level')) {
      hdr.contentLight = {
        maxCll: Number(data['max_content'] ?? 0),
        maxFall: Number(data['max_average'] ?? 0),
      };
    } else if (type.startsWith('DOVI configuration')) {
      hdr.dolbyVisionProfile = Number(data['dv_profile'] ?? 0);
    }
  }
  return hdr;
}

function readText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
