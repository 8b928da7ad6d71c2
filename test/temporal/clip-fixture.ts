import type { Frame } from '../../src/core/frame.ts';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { loadKernels } from '../../src/kernels/kernels.ts';
import { blendTemporal, type TemporalInput } from '../../src/temporal/blend-temporal.ts';
import type { TemporalStrength } from '../../src/temporal/temporal-plan.ts';

export type Samples = Uint8Array | Uint16Array;

export const arena = new Arena(48 << 20);
export const kernels = await loadKernels(arena);

/** A frame outside of the arena: the samples of each plane. */
export type Picture = Samples[];

export interface ClipShape {
  readonly format: string;
  readonly width: number;
  readonly height: number;
}

export { makeGaussian, makeRandom } from '../../bench/noise.ts';

/** Draws a picture; `value` is in code values of 8 bit. */
export function drawPicture(
  shape: ClipShape,
  value: (x: number, y: number, plane: number) => number,
): Picture {
  const format = pixelFormat(shape.format);
  const frame = arena.allocateFrame(format, shape.width, shape.height, 0);
  const white = 2 ** format.bits - 1;
  const picture = frame.planes.map((plane, index) => {
    const samples = readPlane(frame, index);
    for (let y = 0; y < plane.height; y++) {
      for (let x = 0; x < plane.width; x++) {
        const code = Math.round(value(x, y, index) * 2 ** (format.bits - 8));
        samples[y * plane.width + x] = Math.min(Math.max(code, 0), white);
      }
    }
    return samples;
  });
  frame.dispose();
  return picture;
}

/** A copy of a plane's samples. */
function readPlane(frame: Frame, index: number): Samples {
  const plane = frame.planes[index];
  if (plane === undefined) throw new Error('no such plane');
  const count = plane.width * plane.height;
  return frame.format.bytesPerSample === 1
    ? arena.bytes(plane.offset, count).slice()
    : arena.words(plane.offset, count).slice();
}

/** Something like a photo: slopes, soft shapes, an edge, fine structure in a part. */
export function drawPhoto(x: number, y: number): number {
  const shapes = 40 * Math.sin(x / 19) + 30 * Math.cos(y / 13 + x / 50);
  const edge = x + y > 150 && x - y < 60 ? 25 : 0;
  const structure = x > 100 ? 8 * Math.sin(x * 1.3) * Math.sin(y * 1.1) : 0;
  return 115 + shapes + edge + structure;
}

export async function* feedClip(
  shape: ClipShape,
  pictures: readonly Picture[],
  roles: readonly TemporalInput['role'][] = [],
): AsyncGenerator<TemporalInput> {
  for (const [pts, picture] of pictures.entries()) {
    const frame = arena.allocateFrame(pixelFormat(shape.format), shape.width, shape.height, pts);
    frame.planes.forEach((plane, index) => {
      const samples = picture[index];
      if (samples === undefined) return;
      const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      arena.bytes(plane.offset, samples.byteLength).set(bytes);
    });
    yield await Promise.resolve({ frame, role: roles[pts] ?? 'body' });
  }
}

/** Blends a clip, and checks that no memory is left behind. */
export async function blendClip(
  shape: ClipShape,
  pictures: readonly Picture[],
  strength: TemporalStrength,
  roles?: readonly TemporalInput['role'][],
  radius: 1 | 2 = 1,
): Promise<{ pts: number; picture: Picture }[]> {
  const before = arena.usedBytes;
  const results: { pts: number; picture: Picture }[] = [];
  const plan = { strength, radius: strength === 'off' ? 0 : radius };
  for await (const frame of blendTemporal(feedClip(shape, pictures, roles), plan, { arena, kernels })) {
    results.push({ pts: frame.pts, picture: frame.planes.map((_, index) => readPlane(frame, index)) });
    frame.dispose();
  }
  if (arena.usedBytes !== before) throw new Error('The stage left memory behind.');
  return results;
}

/** Peak signal to noise ratio in dB of a plane against another, white being 255. */
export function computePsnr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return 10 * Math.log10((255 ** 2 * a.length) / sum);
}
