import { UpscaleError } from '../core/errors.ts';
import { ByteSource, StreamCutShort } from '../ffmpeg/byte-source.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import { pipeBytes } from '../ffmpeg/pipe-bytes.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';

/** Luma of one picture, 8-bit code values, rows tightly packed. */
export interface LumaPlane {
  readonly width: number;
  readonly height: number;
  readonly samples: Uint8Array;
}

export interface LumaOptions {
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
}

/** Larger pictures are measured in their middle. */
const LARGEST = { width: 1280, height: 720 };
const NEWLINE = 0x0a;
/** What follows the first byte of a frame's header in yuv4mpegpipe: `FRAME` and a line's end. */
const FRAME_HEADER_REST = 'RAME\n'.length;

/**
 * Luma of all frames of a clip, one after another, as it is coded: fields and colours are left alone. The middle of larger pictures,
 * at most 1280x720; sides are multiples of `grid`. Ends where the clip no longer decodes.
 */
export async function* readLuma(
  clip: string,
  { tools, signal, grid = 8 }: LumaOptions & { readonly grid?: number },
): AsyncGenerator<LumaPlane> {
  const side = (name: string, most: number): string => `floor(min(${name}\\,${most})/${grid})*${grid}`;
  const crop = `crop=${side('iw', LARGEST.width)}:${side('ih', LARGEST.height)}`;
  const child = startProcess(
    tools.ffmpeg,
    buildArguments({
      global: ['-v', 'quiet'],
      inputs: [{ path: clip, options: ['-threads', '1'] }],
      outputs: [
        {
          path: 'pipe:1',
          options: [
            ...['-map', '0:v:0', '-vf', `format=yuv420p,extractplanes=y,${crop}`],
            ...[...keepFrameTimes(tools), '-pix_fmt', 'gray', '-f', 'yuv4mpegpipe'],
          ],
        },
      ],
    }),
    { label: 'luma', stdin: 'ignore', stdout: 'pipe', signal },
  );
  try {
    if (child.stdout === null) return;
    const bytes = new ByteSource(child.stdout);
    const { width, height } = await readSize(bytes);
    while ((await bytes.byteOrEnd()) !== null) {
      await bytes.skip(FRAME_HEADER_REST);
      const samples = new Uint8Array(width * height);
      await bytes.read(samples);
      yield { width, height, samples };
    }
  } catch (error) {
    if (!(error instanceof StreamCutShort)) throw error;
  } finally {
    await child.stop();
  }
}

/** Width and height in the header line of yuv4mpegpipe: `YUV4MPEG2 W1280 H720 F25:1 ...`. */
async function readSize(bytes: ByteSource): Promise<{ width: number; height: number }> {
  let line = '';
  for (let byte = await bytes.byteOrEnd(); byte !== NEWLINE; byte = await bytes.byteOrEnd()) {
    if (byte === null) throw new StreamCutShort();
    line += String.fromCharCode(byte);
  }
  const [width, height] = ['W', 'H'].map((letter) => Number(new RegExp(` ${letter}(\\d+)`).exec(line)?.[1]));
  if (width === undefined || height === undefined || !(width * height > 0)) throw new StreamCutShort();
  return { width, height };
}

export type ScaleFilter = 'bicubic' | 'area' | 'lanczos';

/** Brings planes of one size to another by ffmpeg's `scale`. */
export async function scaleLuma(
  planes: readonly LumaPlane[],
  size: { readonly width: number; readonly height: number },
  filter: ScaleFilter,
  { tools, signal }: LumaOptions,
): Promise<LumaPlane[]> {
  const scale = `scale=${size.width}:${size.height}:flags=${filter}+accurate_rnd`;
  const bytes = await pipeBytes(tools, joinPlanes(planes), {
    input: rawInput(planes),
    output: ['-vf', scale, ...RAW_OUTPUT],
    what: `scaling by ${filter}`,
    signal,
  });
  return splitPlanes(bytes, size);
}

/** What a trip through x264 leaves of planes of one size: crf 26, preset medium, a key frame every 12, one thread. */
export async function compressLuma(
  planes: readonly LumaPlane[],
  { tools, signal }: LumaOptions,
): Promise<LumaPlane[]> {
  const [first] = planes;
  if (first === undefined) return [];
  const coded = await pipeBytes(tools, joinPlanes(planes), {
    input: rawInput(planes),
    output: [
      ...['-vf', 'scale=in_range=pc:out_range=pc', '-pix_fmt', 'yuv420p', '-color_range', 'pc'],
      ...['-c:v', 'libx264', '-preset', 'medium', '-crf', '26', '-g', '12', '-threads', '1'],
      ...['-f', 'matroska'],
    ],
    what: 'compressing by x264',
    signal,
  });
  const bytes = await pipeBytes(tools, coded, {
    input: ['-threads', '1'],
    output: ['-vf', 'extractplanes=y', ...RAW_OUTPUT],
    what: 'decoding what x264 made',
    signal,
  });
  return splitPlanes(bytes, first);
}

/**
 * Peak signal to noise ratio in dB of `b` against `a` of the same size, `border` samples at each side left out.
 *
 * @returns At most 108 dB, for planes that agree.
 */
export function computeInnerPsnr(a: LumaPlane, b: LumaPlane, border: number): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new UpscaleError('INTERNAL', `${a.width}x${a.height} was compared with ${b.width}x${b.height}.`);
  }
  let squares = 0;
  for (let y = border; y < a.height - border; y++) {
    for (let i = y * a.width + border; i < (y + 1) * a.width - border; i++) {
      const d = (a.samples[i] ?? 0) - (b.samples[i] ?? 0);
      squares += d * d;
    }
  }
  const samples = Math.max(1, (a.width - 2 * border) * (a.height - 2 * border));
  return 10 * Math.log10(255 ** 2 / Math.max(squares / samples, 1e-6));
}

const RAW_OUTPUT = ['-f', 'rawvideo', '-pix_fmt', 'gray'];

function rawInput([first]: readonly LumaPlane[]): string[] {
  const size = `${first?.width ?? 0}x${first?.height ?? 0}`;
  return ['-threads', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', '-s', size, '-r', '25'];
}

function joinPlanes(planes: readonly LumaPlane[]): Uint8Array {
  return Buffer.concat(planes.map(({ samples }) => samples));
}

function splitPlanes(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): LumaPlane[] {
  const size = width * height;
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => ({
    width,
    height,
    samples: bytes.subarray(i * size, (i + 1) * size),
  }));
}
