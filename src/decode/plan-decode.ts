import type { Color } from '../core/color.ts';
import type { Decision, Notice } from '../core/notice.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { multiply, rational } from '../core/rational.ts';
import type { DecodePlan } from './decode-plan.ts';
import { readPixelTraits } from './pixel-traits.ts';
import { sourceMatrix } from './resolve-color.ts';
import type { Source } from './source.ts';

export interface PlanDecodeOptions {
  readonly deinterlace: 'auto' | 'off' | 'frame' | 'field';
  /** Working pixel format wanted, a name of `PIXEL_FORMATS`. */
  readonly format: string;
  /** Of the working frames, nothing unknown. */
  readonly color: Color;
}

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
        ...orientationFilters(video.rotation, video.mirrored),
        ...formatFilters(source, options, width, height),
      ],
      format: options.format,
      width,
      height,
      timeBase: fields.framesPerInput === 2 ? multiply(video.timeBase, rational(1, 2)) : video.timeBase,
      framesPerInput: fields.framesPerInput,
      seek,
      copyTimestamps: !source.discontinuous,
      filterMargin: fields.margin,
      threads: 0,
    },
    decisions,
    notices: fields.notices,
  };
}

interface FieldPlan {
  readonly filters: readonly string[];
  readonly framesPerInput: 1 | 2;
  /** Input frames to each side that a result depends on. */
  readonly margin: number;
  /** Results depend on all that came before, so that decoding must begin at the source's start. */
  readonly sequential: boolean;
  readonly decision: Decision;
  readonly notices: Notice[];
}

function planFields(source: Source, asked: PlanDecodeOptions['deinterlace']): FieldPlan {
  const { found, topFieldFirst, reason, mixed } = source.video.fields;
  const none = (choice: string, why: string): FieldPlan => ({
    filters: [],
    framesPerInput: 1,
    margin: 0,
    sequential: false,
    decision: { topic: 'fields', choice, reason: why },
    notices: [],
  });
  const interlaced = found === 'tff' || found === 'bff';
  if (asked === 'off') {
    const plan = none('left alone', interlaced ? `asked for, although ${reason}` : reason);
    if (!interlaced) return plan;
    return {
      ...plan,
      notices: [
        {
          level: 'warning',
          code: 'interlaced-kept',
          message:
            'The source is interlaced and is not deinterlaced: combed edges will be enlarged with the picture.',
        },
      ],
    };
  }
  const parity = topFieldFirst === false ? 'bff' : 'tff';
  if (asked === 'auto' && found === 'telecine') {
    return {
      filters: [
        `fieldmatch=order=${parity}:combmatch=full`,
        `bwdif=mode=send_frame:parity=${parity}:deint=interlaced`,
      ],
      framesPerInput: 1,
      margin: 3,
      sequential: true,
      decision: {
        topic: 'fields',
        choice: 'film frames put together again',
        reason: `${reason}; the number of frames is kept, so one in five repeats`,
      },
      notices: [],
    };
  }
  if (asked === 'auto' && !interlaced) return none('left alone', reason);
  const rate = asked === 'frame' ? 'send_frame' : 'send_field';
  return {
    filters: [`bwdif=mode=${rate}:parity=${parity}:deint=all`],
    framesPerInput: rate === 'send_field' ? 2 : 1,
    margin: 3,
    sequential: false,
    decision: {
      topic: 'fields',
      choice:
        rate === 'send_field'
          ? 'deinterlaced, a frame for each field'
          : 'deinterlaced, a frame for each frame',
      reason: `${asked === 'auto' ? '' : 'asked for; '}${reason}${mixed ? '; some parts are progressive' : ''}`,
    },
    notices: [],
  };
}

function orientationFilters(rotation: number, mirrored: boolean): string[] {
  const turns: Readonly<Record<number, string[]>> = {
    90: ['transpose=clock'],
    180: ['hflip', 'vflip'],
    270: ['transpose=cclock'],
  };
  return [...(turns[rotation] ?? []), ...(mirrored ? ['hflip'] : [])];
}

/**
 * The size is pinned, so that a change of size in the middle of a stream cannot change the frames; the format is converted with the right
 * matrix and without a change of range, and not at all where it is the working format already.
 */
function formatFilters(source: Source, options: PlanDecodeOptions, width: number, height: number): string[] {
  const { video } = source;
  const from = readPixelTraits(video.pixelFormat);
  const to = pixelFormat(options.format);
  const arguments_ = [
    `${String(width)}:${String(height)}`,
    'flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact',
  ];
  const range = (full: boolean): string => (full ? 'pc' : 'tv');
  if (from.family === 'rgb' && to.family === 'yuv') {
    arguments_.push(
      `out_color_matrix=${swscaleMatrix(options.color.matrix)}`,
      `out_range=${range(options.color.range === 'pc')}`,
    );
  } else if (from.family !== 'rgb' && to.family === 'rgb') {
    const full = video.color.range === 'pc' || from.fullRange;
    arguments_.push(
      `in_color_matrix=${swscaleMatrix(sourceMatrix(source))}`,
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

/** The matrix by the name that the scale filter of every ffmpeg knows. */
export function swscaleMatrix(matrix: string): string {
  const names: Readonly<Record<string, string>> = {
    bt709: 'bt709',
    bt470bg: 'bt470',
    smpte170m: 'smpte170m',
    smpte240m: 'smpte240m',
    fcc: 'fcc',
    bt2020nc: 'bt2020',
    bt2020c: 'bt2020',
    bt2020ncl: 'bt2020',
  };
  return names[matrix] ?? 'bt709';
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
  if (scan.intraOnly && INTRA_CONTAINERS.test(format)) return 'keyframe';
  const codecs = ['h264', 'hevc', 'mpeg4', 'mpeg2video', 'vp8', 'vp9', 'av1'];
  return EXACT_CONTAINERS.test(format) && codecs.includes(codec) ? 'keyframe' : 'start';
}
