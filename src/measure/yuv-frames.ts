import type { Color } from '../core/color.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import { pixelFormat, type PixelFormat } from '../core/pixel-format.ts';
import { toNumber } from '../core/rational.ts';
import { chooseWorkFormat } from '../decode/choose-work-format.ts';
import type { DecodePlan, SegmentPlan } from '../decode/decode-plan.ts';
import { openDecoder, type DecodedFrame } from '../decode/decoder.ts';
import { planDecode } from '../decode/plan-decode.ts';
import type { Deinterlace } from '../decode/plan-fields.ts';
import { readPixelTraits } from '../decode/pixel-traits.ts';
import { resolveColor } from '../decode/resolve-color.ts';
import type { Source } from '../decode/source.ts';
import { scaleMatrix } from '../ffmpeg/scale-matrix.ts';
import type { Arena } from '../kernels/arena.ts';
import type { ReadOptions } from './read-packets.ts';

/** How the frames of a file are read to be measured: upright, in YUV of the file's own depth, size and chroma subsampling. */
export interface YuvReading {
  readonly source: Source;
  readonly decode: DecodePlan;
  readonly format: PixelFormat;
  /** Of the frames that come out. */
  readonly color: Color;
}

/**
 * Plans the reading of a file. With `like`, frames come out in that matrix and range, so that code values of two files mean the same;
 * where they are already, no sample is touched. Pure.
 */
export function planYuvReading(
  source: Source,
  { deinterlace = 'off', like }: { readonly deinterlace?: Deinterlace; readonly like?: Color } = {},
): YuvReading {
  const name = chooseWorkFormat(source.video, { modelChannels: 1, keepRgb: false, keepAlpha: false });
  const own = resolveColor(source, 'yuv').color;
  const isRgb = readPixelTraits(source.video.pixelFormat).family === 'rgb';
  const wanted = like === undefined ? own : { ...own, matrix: like.matrix, range: like.range };
  // RGB becomes YUV in one step, by whatever matrix is wanted.
  const { plan } = planDecode(source, { deinterlace, format: name, color: isRgb ? wanted : own });
  const filters = isRgb ? [] : convertColor(own, wanted, name);
  return {
    source,
    decode: { ...plan, filters: [...plan.filters, ...filters] },
    format: pixelFormat(name),
    color: wanted,
  };
}

function convertColor(own: Color, wanted: Color, format: string): string[] {
  const [from, to] = [scaleMatrix(own.matrix), scaleMatrix(wanted.matrix)];
  const isSameMatrix = own.matrix === wanted.matrix || from === null || to === null;
  if (isSameMatrix && own.range === wanted.range) return [];
  const matrices = isSameMatrix ? '' : `:in_color_matrix=${from}:out_color_matrix=${to}`;
  const range = (color: Color): string => (color.range === 'pc' ? 'pc' : 'tv');
  const ranges = `in_range=${range(own)}:out_range=${range(wanted)}`;
  return [`scale=${ranges}${matrices}:flags=bicubic+accurate_rnd+full_chroma_int`, `format=${format}`];
}

/** Opens the decoder of a reading: of the whole file, or of one piece with its neighbours. */
export function readYuvFrames(
  { decode }: YuvReading,
  options: ReadOptions & {
    readonly arena: Arena;
    readonly piece?: SegmentPlan;
    /** Frames before and after the piece that come as well. @defaultValue 0 */
    readonly neighbours?: number;
  },
): AsyncGenerator<DecodedFrame> {
  const { neighbours = 0, piece = WHOLE, ...read } = options;
  return openDecoder(decode, piece, { ...read, leadFrames: neighbours, tailFrames: neighbours }).frames();
}

const WHOLE: SegmentPlan = { index: 0, startPts: null, endPts: null, seekPts: null, expectedFrames: 0 };

/** The frames of the piece alone. The receiver owns them. */
export async function* takeBodies(frames: AsyncIterable<DecodedFrame>): AsyncGenerator<Frame> {
  for await (const { frame, role } of frames) {
    if (role === 'body') yield frame;
    else frame.dispose();
  }
}

/** Width over height of the picture as it is shown. */
function shapeOf({ video }: Source): number {
  return video.displayWidth / video.displayHeight;
}

/** More than rounding to whole pixels changes it. */
const MOST_DIFFERENCE = 0.02;

/** Throws `USAGE` when two files do not show pictures of one shape. */
export function refuseOtherShape(reference: Source, output: Source): void {
  if (Math.abs(shapeOf(reference) / shapeOf(output) - 1) <= MOST_DIFFERENCE) return;
  const [a, b] = [reference, output].map(
    ({ video }) => `${String(video.displayWidth)}x${String(video.displayHeight)}`,
  );
  throw new UpscaleError(
    'USAGE',
    `${reference.path} shows a picture of ${a ?? ''}, and ${output.path} one of another shape, ${b ?? ''}.`,
    { hint: 'Compare files that show the same picture, without borders or cropping.' },
  );
}

/** Seconds from one frame to the next, typically. */
export function frameStep({ source, decode }: YuvReading): number {
  const { scan, timeBase, frameRate, averageFrameRate } = source.video;
  const rate = frameRate ?? averageFrameRate;
  const step =
    scan.step !== null && scan.step.median > 0
      ? scan.step.median * toNumber(timeBase)
      : rate === null
        ? 1 / 25
        : 1 / toNumber(rate);
  return step / decode.framesPerInput;
}
