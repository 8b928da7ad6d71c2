import type { Color, HdrMetadata } from '../core/color.ts';
import { buildColorOptions } from './color-options.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { scaleMatrix } from '../ffmpeg/scale-matrix.ts';
import { toNumber, type Rational } from '../core/rational.ts';
import type { EncoderProfile } from './profiles.ts';

export interface EncoderArgumentsInput {
  readonly profile: EncoderProfile;
  /** ffmpeg's encoder that was chosen for the profile. */
  readonly encoder: string;
  /** Working format that comes in. */
  readonly inputFormat: string;
  readonly width: number;
  readonly height: number;
  readonly color: Color;
  readonly hdr: HdrMetadata;
  readonly frameRate: Rational | null;
  readonly crf: number | null;
  readonly preset: string | null;
  readonly threads: number;
  readonly extra: readonly string[];
}

export interface EncoderArguments {
  readonly pixelFormat: string;
  /** Filters between the pipe and the encoder. */
  readonly filters: readonly string[];
  readonly arguments: readonly string[];
  /** Colours that the file is tagged with: RGB that becomes YUV gets a matrix here. */
  readonly color: Color;
}

/** From this many pixels on, frames kept for look-ahead would need gigabytes. */
const HUGE_PIXELS = 16_000_000;
const LARGE_PIXELS = 6_000_000;

/** Builds the arguments of one encoder. Pure. */
export function buildEncoderArguments(input: EncoderArgumentsInput): EncoderArguments {
  const { profile, encoder } = input;
  const target = chooseFileFormat(input);
  const color = chooseFileColor(input, target);
  const args = [
    ...['-c:v', encoder],
    ...profile.arguments,
    ...qualityArguments(input),
    ...speedArguments(input),
    ...codecArguments(input, color, target),
    ...['-pix_fmt', target],
    ...colorArguments(color, target),
    ...input.extra,
  ];
  return { pixelFormat: target, filters: buildFilters(input, target, color), arguments: args, color };
}

/** Pixel format of the file: the working format, or what holds the same samples in the encoder's own order. */
function chooseFileFormat({ profile, encoder, inputFormat }: EncoderArgumentsInput): string {
  const format = pixelFormat(inputFormat);
  if (profile.name === 'png' || profile.name === 'tiff') {
    const endian = profile.name === 'png' ? 'be' : 'le';
    if (format.bits === 8) return format.hasAlpha ? 'rgba' : 'rgb24';
    return (format.hasAlpha ? 'rgba64' : 'rgb48') + endian;
  }
  if (format.family === 'rgb' && encoder === 'ffv1' && format.bits === 8)
    return format.hasAlpha ? 'bgra' : 'bgr0';
  if (format.family === 'rgb' && profile.family === 'yuv') {
    const chroma = profile.chroma.includes('420') ? '420' : (profile.chroma[0] ?? '420');
    const suffix = format.bits === 8 ? '' : `${String(format.bits)}le`;
    return `yuv${format.hasAlpha && profile.alpha ? 'a' : ''}${chroma}p${suffix}`;
  }
  if (/_(nvenc|qsv|amf|videotoolbox)$/.test(encoder) && format.bits === 10) return 'p010le';
  if (encoder.endsWith('_vaapi')) return format.bits === 10 ? 'p010le' : 'nv12';
  if (encoder.endsWith('_qsv')) return 'nv12';
  return inputFormat;
}

/**
 * The colours of the file: those of the frames, unless the file cannot say them. ProRes knows limited range only; DNxHR's decoders take
 * BT.709's matrix whatever the container says (ffmpeg's encoder cannot write another one into its frames).
 */
function chooseFileColor({ color, encoder }: EncoderArgumentsInput, target: string): Color {
  if (/^(rgb|bgr|gbr)/.test(target)) return { ...color, matrix: 'gbr', range: 'pc' };
  const fromRgb = color.matrix === 'gbr';
  const matrix = fromRgb ? matrixOf(color.primaries) : color.matrix;
  return {
    ...color,
    matrix: encoder === 'dnxhd' ? 'bt709' : matrix,
    range: fromRgb || encoder.startsWith('prores') ? 'tv' : color.range,
    chromaLocation: fromRgb ? 'left' : color.chromaLocation,
  };
}

/** The matrix that goes with primaries. */
function matrixOf(primaries: string): string {
  if (primaries === 'bt2020') return 'bt2020nc';
  return ['smpte170m', 'bt470bg', 'smpte240m'].includes(primaries) ? primaries : 'bt709';
}

/** Tags every frame, and converts only where the file holds other colours than the frames have. */
function buildFilters(input: EncoderArgumentsInput, target: string, color: Color): string[] {
  const filters: string[] = [];
  const quality = 'flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';
  if (input.color.matrix !== color.matrix || input.color.range !== color.range) {
    const describe = (side: 'in' | 'out', { matrix, range }: Color): string =>
      (matrix === 'gbr' ? '' : `${side}_color_matrix=${scaleMatrix(matrix) ?? 'bt709'}:`) +
      `${side}_range=${range}`;
    filters.push(`scale=${describe('in', input.color)}:${describe('out', color)}:${quality}`);
  }
  if (target !== input.inputFormat) filters.push(`format=${target}`);
  filters.push(
    `setparams=range=${color.range === 'pc' ? 'pc' : 'tv'}:color_primaries=${color.primaries}:color_trc=${color.transfer}:colorspace=${color.matrix}`,
  );
  if (input.encoder.endsWith('_vaapi')) filters.push('hwupload');
  return filters;
}

function qualityArguments({ profile, encoder, crf }: EncoderArgumentsInput): string[] {
  const value = crf ?? profile.defaultCrf;
  if (value === null) return [];
  const text = String(value);
  if (encoder === 'libvpx-vp9' || encoder === 'libaom-av1') return ['-crf', text, '-b:v', '0'];
  if (encoder.endsWith('_nvenc')) return ['-rc', 'vbr', '-cq', text, '-b:v', '0'];
  if (encoder.endsWith('_qsv')) return ['-global_quality', text];
  if (encoder.endsWith('_vaapi')) return ['-rc_mode', 'CQP', '-qp', text];
  if (encoder.endsWith('_amf')) return ['-rc', 'cqp', '-qp_i', text, '-qp_p', text, '-qp_b', text];
  // VideoToolbox counts quality from 1 to 100, upwards.
  if (encoder.endsWith('_videotoolbox')) return ['-q:v', String(Math.max(1, Math.round(100 - value * 1.9)))];
  return ['-crf', text];
}

function speedArguments({ profile, encoder, preset, threads, height }: EncoderArgumentsInput): string[] {
  const value = preset ?? profile.defaultPreset;
  const threadArguments =
    threads > 0 && !/_(nvenc|qsv|vaapi|amf|videotoolbox)$/.test(encoder) ? ['-threads', String(threads)] : [];
  if (encoder === 'libvpx-vp9') {
    return [
      '-deadline',
      'good',
      '-cpu-used',
      value ?? '4',
      '-row-mt',
      '1',
      '-tile-columns',
      height > 1200 ? '2' : '1',
      ...threadArguments,
    ];
  }
  if (encoder === 'libaom-av1') {
    return [
      '-cpu-used',
      String(Math.min(8, Number(value ?? 6))),
      '-row-mt',
      '1',
      '-tiles',
      '2x2',
      '-strict',
      'experimental',
      ...threadArguments,
    ];
  }
  if (encoder === 'libx265') return value === null ? [] : ['-preset', value];
  return [...(value === null ? [] : ['-preset', value]), ...threadArguments];
}

function codecArguments(input: EncoderArgumentsInput, color: Color, target: string): string[] {
  const { encoder, width, height, frameRate } = input;
  const pixels = width * height;
  const keyInterval = String(
    Math.max(1, Math.min(300, Math.round(5 * (frameRate === null ? 25 : toNumber(frameRate))))),
  );
  if (encoder === 'libx264')
    return ['-g', keyInterval, '-x264-params', x264Params(pixels, color, target).join(':')];
  if (encoder === 'libx265')
    return ['-g', keyInterval, '-x265-params', x265Params(input, pixels, color, target).join(':')];
  if (encoder === 'libvpx-vp9' || encoder === 'libaom-av1') {
    return ['-g', keyInterval, '-lag-in-frames', pixels >= HUGE_PIXELS ? '8' : '19'];
  }
  if (encoder === 'libsvtav1' || /^(h264|hevc|av1)_/.test(encoder)) return ['-g', keyInterval];
  return [];
}

function x264Params(pixels: number, color: Color, target: string): string[] {
  // Threads that work on frames of their own would hold ten of these each.
  const sliced = pixels >= HUGE_PIXELS ? ['sliced-threads=1'] : [];
  return ['open-gop=0', ...boundFrames(pixels), ...sliced, ...locateChroma(color, target)];
}

/** Where chroma lies (H.273): older ffmpegs do not hand it to x264 and x265. */
function locateChroma(color: Color, target: string): string[] {
  const code = ['left', 'center', 'topleft', 'top', 'bottomleft', 'bottom'].indexOf(color.chromaLocation);
  return target.includes('420') && code !== -1 ? [`chromaloc=${String(code)}`] : [];
}

/** Fewer frames in flight where one frame has tens of megabytes. */
function boundFrames(pixels: number): string[] {
  if (pixels >= HUGE_PIXELS) return ['rc-lookahead=6', 'ref=2', 'bframes=2'];
  return pixels >= LARGE_PIXELS ? ['rc-lookahead=16', 'ref=2'] : [];
}

function x265Params(input: EncoderArgumentsInput, pixels: number, color: Color, target: string): string[] {
  const { hdr, threads } = input;
  const params = [
    // Each segment says its own parameters, so that no decoder takes those of another for it.
    ...['open-gop=0', 'log-level=error', 'repeat-headers=1'],
    // It holds far more for each frame that waits than x264 does.
    ...(pixels >= HUGE_PIXELS ? ['rc-lookahead=2', 'ref=1', 'bframes=0'] : boundFrames(pixels)),
    ...[`range=${color.range === 'pc' ? 'full' : 'limited'}`, ...locateChroma(color, target)],
  ];
  if (threads > 0) params.push(`pools=${String(threads)}`);
  if (pixels >= HUGE_PIXELS) params.push('frame-threads=1');
  if (color.transfer === 'smpte2084') params.push('hdr-opt=1');
  if (hdr.mastering !== undefined) {
    const { red, green, blue, white, minLuminance, maxLuminance } = hdr.mastering;
    const point = ([x, y]: readonly [number, number]): string =>
      `(${String(Math.round(x * 50000))},${String(Math.round(y * 50000))})`;
    params.push(
      `master-display=G${point(green)}B${point(blue)}R${point(red)}WP${point(white)}L(${String(Math.round(maxLuminance * 10000))},${String(Math.round(minLuminance * 10000))})`,
    );
  }
  if (hdr.contentLight !== undefined) {
    params.push(`max-cll=${String(hdr.contentLight.maxCll)},${String(hdr.contentLight.maxFall)}`);
  }
  return params;
}

function colorArguments(color: Color, target: string): string[] {
  const subsampled = /4(20|22|11|10|40)p/.test(target) || /^(nv12|p010)/.test(target);
  return [
    ...buildColorOptions(color),
    ...(subsampled && color.chromaLocation !== 'unknown'
      ? ['-chroma_sample_location', color.chromaLocation]
      : []),
  ];
}
