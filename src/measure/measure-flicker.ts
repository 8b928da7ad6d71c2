import type { Rational } from '../core/rational.ts';
import { toNumber } from '../core/rational.ts';
import { readPixelTraits } from '../decode/pixel-traits.ts';
import { scaleMatrix } from '../ffmpeg/scale-matrix.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';
import type { ReadOptions } from './read-packets.ts';
import { readPictures, type PictureSource } from './read-pictures.ts';

/** How restless still areas are before and after. */
export interface Flicker {
  /** Mean change of luma from one frame to the next over the calmer half of the samples, in 8-bit code values. */
  readonly source: number;
  readonly output: number;
}

/** Pictures are compared at this width, where noise of single pixels of enlargements is still seen. */
const WIDTH = 720;
/** Frames that are looked at, from the middle of the film on. */
const FRAMES = 12;

/**
 * Measures how much still areas change from frame to frame, in the source and in what was made of it, both brought to one size. Null where
 * that cannot be told: too few frames, interlaced sources, and those whose middle cannot be entered.
 */
export async function measureFlicker(
  { plan, pts, output }: Pick<UpscaleResult, 'plan' | 'pts' | 'output'>,
  read: ReadOptions,
): Promise<Flicker | null> {
  const { source, decode, geometry, encode, assemble } = plan;
  const seekable = decode.seek === 'keyframe' && source.kind === 'file' && assemble.muxer !== 'image2';
  if (!seekable || pts.length < 2 * FRAMES || source.video.fields.found !== 'progressive') return null;
  const middle = ((pts[pts.length >> 1] ?? 0) - 0.5) * toNumber(decode.timeBase);
  const origin = (assemble.originTicks ?? pts[0] ?? 0) * toNumber(assemble.timeBase);
  const width = Math.min(WIDTH, geometry.displayWidth) & ~1;
  const height = Math.round((width * geometry.displayHeight) / geometry.displayWidth);
  const [before, after] = [
    describe(source.path, source.inputOptions, source.video.index, source.video.timeBase, {
      pixelFormat: source.video.pixelFormat,
      range: plan.infer.input.color.range,
    }),
    describe(output, [], 0, encode.timeBase, { pixelFormat: encode.pixelFormat, range: encode.color.range }),
  ];
  const options = { ...read, width, height, matrix: scaleMatrix(encode.color.matrix), most: FRAMES };
  const [a, b] = await Promise.all([
    measureRun(before, { ...options, from: middle }),
    measureRun(after, { ...options, from: middle - origin }),
  ]);
  return a === null || b === null ? null : { source: a, output: b };
}

async function measureRun(
  source: PictureSource,
  options: Parameters<typeof readPictures>[1],
): Promise<number | null> {
  const samples = options.width * options.height;
  let previous: Uint8Array | null = null;
  let [sum, pairs] = [0, 0];
  for await (const picture of readPictures(source, options).frames()) {
    if (previous !== null) {
      sum += meanOfCalmHalf(previous, picture.samples, samples);
      pairs++;
    }
    previous = picture.samples;
  }
  return pairs < FRAMES / 2 ? null : sum / pairs;
}

/** Mean of the smaller half of the absolute differences of two luma planes. */
export function meanOfCalmHalf(a: Uint8Array, b: Uint8Array, samples: number): number {
  const counts = new Uint32Array(256);
  for (let i = 0; i < samples; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    counts[difference] = (counts[difference] ?? 0) + 1;
  }
  let left = samples >> 1;
  let sum = 0;
  for (let value = 0; value < 256 && left > 0; value++) {
    const taken = Math.min(left, counts[value] ?? 0);
    sum += taken * value;
    left -= taken;
  }
  return samples < 2 ? 0 : sum / (samples >> 1);
}

function describe(
  path: string,
  inputOptions: readonly string[],
  streamIndex: number,
  timeBase: Rational,
  { pixelFormat, range }: { readonly pixelFormat: string; readonly range: string },
): PictureSource {
  const isRgb = readPixelTraits(pixelFormat).family === 'rgb';
  return {
    path,
    inputOptions,
    streamIndex,
    timeBase,
    copyTimestamps: true,
    matrix: null,
    range: isRgb || range === 'pc' ? 'pc' : 'tv',
  };
}
