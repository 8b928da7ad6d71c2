import { UpscaleError } from '../../core/errors.ts';
import { frameBytes } from '../../core/pixel-format.ts';
import { Arena } from '../../kernels/arena.ts';
import { computePsnr } from '../picture-metrics.ts';
import type { ReadOptions } from '../read-packets.ts';
import { readYuvFrames, takeBodies, type YuvReading } from '../yuv-frames.ts';
import { copyPlane, sumSquares, type MeasuredPlane } from './measured-plane.ts';

/** Frames of each file that are looked at, and how far apart partners may lie. */
const LOOKED_AT = 300;
const FARTHEST = 150;
/** Size of the pictures that are compared. */
const WIDTH = 64;
const HEIGHT = 48;
/** Part of the shorter beginning that must meet: a few black frames agree with any others. */
const LEAST_SHARED = 0.5;
/** Less like each other than this, in dB, the pictures are others. */
const ALIKE_DB = 20;
/** A shift must be better than none by this factor, or none is taken: pictures that stand still say nothing. */
const CLEARLY = 0.8;

/** The reading with frames of another size. */
export function scaleReading(reading: YuvReading, width: number, height: number): YuvReading {
  const { decode, format } = reading;
  const scale = `scale=${String(width)}:${String(height)}:flags=bicubic+accurate_rnd+full_chroma_int`;
  const filters = [...decode.filters, scale, `format=${format.name}`];
  return { ...reading, decode: { ...decode, filters, width, height } };
}

/**
 * The number of the reference's frame that the output's first frame shows, negative where the output begins earlier: the constant shift at
 * which small pictures of both files' beginnings agree best. Throws `USAGE` where they do at none.
 */
export async function findOffset(
  reference: YuvReading,
  output: YuvReading,
  read: ReadOptions,
): Promise<number> {
  const [own, other] = [await readSmall(reference, read), await readSmall(output, read)];
  const tried = new Map<number, number>();
  const most = Math.min(FARTHEST, Math.max(own.length, other.length) - 1);
  for (let shift = -most; shift <= most; shift++) {
    const error = measureShift(own, other, shift);
    if (error !== null) tried.set(shift, error);
  }
  const [best, error] = [...tried].reduce((a, b) => (b[1] < a[1] ? b : a), [0, Infinity]);
  if (computePsnr(error, 1) < ALIKE_DB) {
    throw new UpscaleError(
      'USAGE',
      `${output.source.path} does not show the pictures of ${reference.source.path}, whatever frame it begins with.`,
      { hint: `Cut both files so that they begin less than ${String(FARTHEST)} frames apart.` },
    );
  }
  return error < CLEARLY * (tried.get(0) ?? Infinity) ? best : 0;
}

async function readSmall(reading: YuvReading, read: ReadOptions): Promise<MeasuredPlane[]> {
  const small = scaleReading(reading, WIDTH, HEIGHT);
  const arena = new Arena(4 * (frameBytes(small.format, WIDTH, HEIGHT) + 64));
  const planes: MeasuredPlane[] = [];
  for await (const frame of takeBodies(readYuvFrames(small, { ...read, arena }))) {
    const plane = copyPlane(frame, 'Y', arena);
    frame.dispose();
    if (plane !== null) planes.push(plane);
    if (planes.length === LOOKED_AT) break;
  }
  return planes;
}

/** Mean square of the differences where output frame `i` is reference frame `i + shift`; null where too few frames meet. */
function measureShift(
  reference: readonly MeasuredPlane[],
  output: readonly MeasuredPlane[],
  shift: number,
): number | null {
  let [squares, frames] = [0, 0];
  for (const [i, plane] of output.entries()) {
    const partner = reference[i + shift];
    if (partner === undefined) continue;
    squares += sumSquares(partner, plane);
    frames++;
  }
  const enough = LEAST_SHARED * Math.min(reference.length, output.length);
  return frames === 0 || frames < enough ? null : squares / (frames * WIDTH * HEIGHT);
}
