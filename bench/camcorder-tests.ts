import path from 'node:path';
import { UpscaleError } from '../src/core/errors.ts';
import { pipeBytes } from '../src/ffmpeg/pipe-bytes.ts';
import { computeInnerPsnr, scaleLuma, type LumaOptions, type LumaPlane } from '../src/measure/luma-plane.ts';
import { readWindows } from '../src/measure/luma-windows.ts';
import type { QualityTest } from '../src/measure/model-quality.ts';
import { addNoise, makeGaussian } from './noise.ts';

/** What tapes and discs are recorded by. */
export const MEDIA = ['mpeg2', 'dv'] as const;
export type Medium = (typeof MEDIA)[number];

/** A picture of a noisy recording. Its `degradation` says nothing: `medium` does. */
export interface CamcorderTest extends QualityTest {
  readonly medium: Medium;
  /** PSNR in dB of what ffmpeg's `hqdn3d` and then Lanczos make of the recording: what people do without a network. */
  readonly denoised: number;
}

/** Standard deviation of the noise of a sensor in dim light, in code values. */
const NOISE_SIGMA = 3;
/** Frames that are recorded together, a group of pictures; the one in the middle is measured. */
const WINDOW = 12;
/** A DVD or a hard disk camcorder: 5 Mbit/s for 720x576 at 25 frames a second. */
const MPEG2_BITS_PER_SAMPLE = 5e6 / (720 * 576 * 25);
/** Of `mpeg2video`: finest and coarsest. */
const QUANTISERS = [2, 31] as const;
/** The one size that a PAL tape has; its frames take 25 Mbit/s whatever they show. */
const DV = { width: 720, height: 576 };
const BORDER = 8;
const GRID = 24;

/**
 * Makes the camcorder tests of a clip. From its first frame and those at one and two thirds on, twelve frames are shrunk `factor` times by
 * bicubic, get Gaussian noise of sigma 3 (always the same), and are recorded: by MPEG-2 at the quantiser that 5 Mbit/s allow, in parts of the
 * frame's size, and by DV. Chroma is flat. The 7th frame is measured.
 *
 * @throws UpscaleError `SOURCE_DAMAGED`, `FFMPEG_FAILED`, `ABORTED`
 */
export async function makeCamcorderTests(
  clip: string,
  options: LumaOptions & { readonly factor: number },
): Promise<CamcorderTest[]> {
  const { factor } = options;
  const tests: CamcorderTest[] = [];
  for (const { truths, recorded } of await makeRecordings(clip, options)) {
    const middle = truths.length >> 1;
    const truth = truths[middle];
    if (truth === undefined) continue;
    for (const medium of MEDIA) {
      const frames = recorded[medium];
      const small = frames[middle];
      if (small === undefined) throw new UpscaleError('FFMPEG_FAILED', 'ffmpeg gave no picture.');
      const [lanczos] = await scaleLuma([small], truth, 'lanczos', options);
      const denoised = (await denoise(frames, truth, 'hqdn3d', options))[middle];
      tests.push({
        ...{ clip: path.basename(clip), degradation: 'compressed', medium, factor, truth, small },
        lanczos: measure(truth, lanczos),
        denoised: measure(truth, denoised),
      });
    }
  }
  return tests;
}

/** Twelve frames of a clip, and what recordings show of them at a fraction of the size. */
export interface Recording {
  readonly truths: readonly LumaPlane[];
  readonly recorded: Readonly<Record<Medium, readonly LumaPlane[]>>;
}

/** Makes the recordings of {@link makeCamcorderTests}, whole. */
export async function makeRecordings(
  clip: string,
  options: LumaOptions & { readonly factor: number },
): Promise<Recording[]> {
  const { factor } = options;
  const noise = makeGaussian(1);
  const recordings: Recording[] = [];
  for (const truths of await readWindows(clip, { ...options, grid: GRID, length: WINDOW })) {
    const [first] = truths;
    if (first === undefined) continue;
    const size = { width: first.width / factor, height: first.height / factor };
    const shrunk = await scaleLuma(truths, size, 'bicubic', options);
    const noisy = shrunk.map((plane) => addNoise(plane, NOISE_SIGMA, noise));
    const [mpeg2, dv] = [await recordMpeg2(noisy, options), await recordDv(noisy, options)];
    recordings.push({ truths, recorded: { mpeg2, dv } });
  }
  return recordings;
}

function measure(truth: LumaPlane, plane: LumaPlane | undefined): number {
  if (plane === undefined) throw new UpscaleError('FFMPEG_FAILED', 'ffmpeg gave no picture.');
  return computeInnerPsnr(truth, plane, BORDER);
}

/** The finest quantiser whose stream is not larger than the bit rate allows. */
async function recordMpeg2(frames: readonly LumaPlane[], options: LumaOptions): Promise<LumaPlane[]> {
  const samples = frames.reduce((sum, { width, height }) => sum + width * height, 0);
  const budget = (samples * MPEG2_BITS_PER_SAMPLE) / 8;
  let [finest, coarsest] = QUANTISERS as readonly [number, number];
  let fitting: Uint8Array | null = null;
  while (finest < coarsest) {
    const quantiser = (finest + coarsest) >> 1;
    const coded = await encodeMpeg2(frames, quantiser, options);
    if (coded.length <= budget) [coarsest, fitting] = [quantiser, coded];
    else finest = quantiser + 1;
  }
  return decode(fitting ?? (await encodeMpeg2(frames, coarsest, options)), frames, options);
}

function encodeMpeg2(
  frames: readonly LumaPlane[],
  quantiser: number,
  options: LumaOptions,
): Promise<Uint8Array> {
  return encode(frames, ['-c:v', 'mpeg2video', '-q:v', String(quantiser), '-g', '12', '-bf', '2'], options);
}

async function recordDv(frames: readonly LumaPlane[], options: LumaOptions): Promise<LumaPlane[]> {
  const [first] = frames;
  if (first === undefined) return [];
  if (first.width > DV.width || first.height > DV.height) {
    throw new UpscaleError('INTERNAL', `${first.width}x${first.height} is larger than a frame of DV.`);
  }
  const whole = frames.map(fillWithMirrors);
  const decoded = await decode(await encode(whole, ['-c:v', 'dvvideo'], options), whole, options);
  return decoded.map((plane) => cut(plane, first));
}

/** A frame of DV full of mirrored copies, so that the picture gets the bits that it would get if it were as large. */
function fillWithMirrors({ width, height, samples }: LumaPlane): LumaPlane {
  const filled = new Uint8Array(DV.width * DV.height);
  for (let y = 0; y < DV.height; y++) {
    const row = mirror(y, height) * width;
    for (let x = 0; x < DV.width; x++) filled[y * DV.width + x] = samples[row + mirror(x, width)] ?? 0;
  }
  return { ...DV, samples: filled };
}

function mirror(at: number, size: number): number {
  const within = at % (2 * size);
  return within < size ? within : 2 * size - 1 - within;
}

function cut(plane: LumaPlane, { width, height }: LumaPlane): LumaPlane {
  const samples = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    samples.set(plane.samples.subarray(y * plane.width, y * plane.width + width), y * width);
  }
  return { width, height, samples };
}

/** What a filter of ffmpeg's makes of frames, and then its Lanczos. */
export async function denoise(
  frames: readonly LumaPlane[],
  size: LumaPlane,
  filter: string,
  options: LumaOptions,
): Promise<LumaPlane[]> {
  const scale = `scale=${size.width}:${size.height}:flags=lanczos+accurate_rnd`;
  const bytes = await pipeBytes(options.tools, toYuv(frames), {
    input: readYuv(frames),
    output: ['-vf', `${filter},${scale}`, ...RAW_YUV],
    what: `denoising by ${filter}`,
    signal: options.signal,
  });
  return fromYuv(bytes, size);
}

const RAW_YUV = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p'];

function encode(
  frames: readonly LumaPlane[],
  codec: readonly string[],
  { tools, signal }: LumaOptions,
): Promise<Uint8Array> {
  return pipeBytes(tools, toYuv(frames), {
    input: readYuv(frames),
    output: [...codec, '-threads', '1', '-flags', '+bitexact', '-fflags', '+bitexact', '-f', 'nut'],
    what: 'recording',
    signal,
  });
}

async function decode(
  coded: Uint8Array,
  [first]: readonly LumaPlane[],
  { tools, signal }: LumaOptions,
): Promise<LumaPlane[]> {
  if (first === undefined) return [];
  const bytes = await pipeBytes(tools, coded, {
    input: ['-threads', '1', '-flags', '+bitexact'],
    output: RAW_YUV,
    what: 'playing the recording',
    signal,
  });
  return fromYuv(bytes, first);
}

function readYuv([first]: readonly LumaPlane[]): string[] {
  return ['-threads', '1', ...RAW_YUV, '-s', `${first?.width ?? 0}x${first?.height ?? 0}`, '-r', '25'];
}

/** Frames of YUV 4:2:0 with flat chroma. No range is said and none is converted. */
function toYuv(frames: readonly LumaPlane[]): Uint8Array {
  return Buffer.concat(frames.flatMap(({ samples }) => [samples, Buffer.alloc(samples.length / 2, 128)]));
}

function fromYuv(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): LumaPlane[] {
  const frame = (width * height * 3) / 2;
  return Array.from({ length: Math.floor(bytes.length / frame) }, (_, i) => ({
    width,
    height,
    samples: bytes.subarray(i * frame, i * frame + width * height),
  }));
}
