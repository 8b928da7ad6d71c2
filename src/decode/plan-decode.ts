import type { Color } from '../core/color.ts';
import type { Decision, Notice } from '../core/notice.ts';
import { scaleMatrix } from '../ffmpeg/scale-matrix.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { multiply, rational } from '../core/rational.ts';
import type { DecodePlan } from './decode-plan.ts';
import { planFields, type Deinterlace } from './plan-fields.ts';
import { planarName, readPixelTraits } from './pixel-traits.ts';
import { sourceMatrix } from './resolve-color.ts';
import type { Source } from './source.ts';

export interface PlanDecodeOptions {
  readonly deinterlace: Deinterlace;
  /** Working pixel format wanted, a name of `PIXEL_FORMATS`. */
  readonly format: string;
  /** Of the working frames, nothing unknown. */
  readonly color: Color;
}

const SCALE_FLAGS = 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';

/** Decides how frames come out of the source: fields, rotation, format, time base, seeking. Pure. */
export function planDecode(
  source: Source,
  options: PlanDecodeOptions,
): { plan: DecodePlan; decisions: Decision[]; notices: Notice[] } {
  const { video } = source;
  const fields = planFields(source, options.deinterlace);
  const turned = video.rotation % 180 !== 0;
  const width = turned ? video.height : video.width;
  const height = turned ? video.width : video.height;
  const seek = planSeek(source, fields.sequential);
  const decisions: Decision[] = [fields.decision];
  if (video.rotation !== 0 || video.mirrored) {
    decisions.push({
      topic: 'rotation',
      choice: `${String(video.rotation)} degrees clockwise${video.mirrored ? ', mirrored' : ''}`,
      reason: 'the file says how to hold it; the pixels are turned, so every player shows it upright',
    });
  }
  return {
    plan: {
      path: source.path,
      inputOptions: ['-noautorotate', ...source.inputOptions],
      streamIndex: video.index,
      decoder: video.decoder,
      filters: [
        ...fields.filters,
        ...orientationFilters(video),
        ...formatFilters(source, options, width, height),
      ],
      format: options.format,
      width,
      height,
      timeBase: fields.framesPerInput === 2 ? multiply(video.timeBase, rational(1, 2)) : video.timeBase,
      framesPerInput: fields.framesPerInput,
      seek,
      copyTimestamps: !source.discontinuous,
      clockStreams: source.discontinuous ? listClockStreams(source) : [],
      filterMargin: fields.margin,
      threads: 0,
    },
    decisions,
    notices: fields.notices,
  };
}

function listClockStreams({ video, others }: Source): number[] {
  return [video.index, ...others.filter(({ type }) => type === 'audio').map(({ index }) => index)];
}

/** Turns and mirrors. A turn by a quarter needs chroma that is subsampled alike in both directions. */
function orientationFilters(video: Source['video']): string[] {
  const { rotation, mirrored, pixelFormat: name } = video;
  const turns: Readonly<Record<number, string[]>> = {
    90: ['transpose=clock'],
    180: ['hflip', 'vflip'],
    270: ['transpose=cclock'],
  };
  const traits = readPixelTraits(name);
  const uneven = traits.chroma !== null && traits.chroma !== '420' && traits.chroma !== '444';
  const even = planarName({ ...traits, chroma: '444' });
  return [
    ...(uneven && rotation % 180 !== 0 ? [`scale=flags=${SCALE_FLAGS}`, `format=${even}`] : []),
    ...(turns[rotation] ?? []),
    ...(mirrored ? ['hflip'] : []),
  ];
}

/**
 * The size is pinned, so that a change of size in the middle of a stream cannot change the frames; the format is converted with the right
 * matrix and without a change of range, and not at all where it is the working format already.
 */
function formatFilters(source: Source, options: PlanDecodeOptions, width: number, height: number): string[] {
  const { video } = source;
  const from = readPixelTraits(video.pixelFormat);
  const to = pixelFormat(options.format);
  const arguments_ = [`${String(width)}:${String(height)}`, `flags=${SCALE_FLAGS}`];
  const range = (full: boolean): string => (full ? 'pc' : 'tv');
  if (from.family === 'rgb' && to.family === 'yuv') {
    arguments_.push(
      `out_color_matrix=${scaleMatrix(options.color.matrix) ?? 'bt709'}`,
      `out_range=${range(options.color.range === 'pc')}`,
    );
  } else if (from.family !== 'rgb' && to.family === 'rgb') {
    const full = video.color.range === 'pc' || from.fullRange;
    arguments_.push(
      `in_color_matrix=${scaleMatrix(sourceMatrix(source)) ?? 'bt709'}`,
      `in_range=${range(full)}`,
      'out_range=pc',
    );
  } else {
    const full = range(options.color.range === 'pc');
    arguments_.push(`in_range=${full}`, `out_range=${full}`);
  }
  // `yuvj` formats hold the same samples as `yuv` ones in full range.
  const twin = /^yuv(4\d\d)p$/.exec(to.name);
  const formats =
    twin === null || options.color.range !== 'pc' ? to.name : `${to.name}|yuvj${twin[1] ?? ''}p`;
  return [`scale=${arguments_.join(':')}`, `format=${formats}`];
}

const EXACT_CONTAINERS = /^(mov|matroska)/;
const INTRA_CONTAINERS = /^(mov|matroska|avi|mxf|dv|nut)/;

/** Seeking is trusted where it was shown to give the same frames as decoding from the start; a scan with oddities is none of those. */
function planSeek(source: Source, sequential: boolean): DecodePlan['seek'] {
  const { scan, codec } = source.video;
  const { format } = source.container;
  const sane =
    source.kind === 'file' &&
    !sequential &&
    !source.discontinuous &&
    scan.complete &&
    scan.missingPts === 0 &&
    scan.duplicatePts === 0 &&
    scan.firstPts !== null &&
    scan.keyframes.length > 0;
  if (!sane) return 'start';
  // With a single place to enter, seeking gains nothing.
  if (!scan.intraOnly && scan.keyframes.length < 2) return 'start';
  if (scan.intraOnly && INTRA_CONTAINERS.test(format)) return 'keyframe';
  const codecs = ['h264', 'hevc', 'mpeg4', 'mpeg2video', 'vp8', 'vp9', 'av1', 'ffv1'];
  return EXACT_CONTAINERS.test(format) && codecs.includes(codec) ? 'keyframe' : 'start';
}
