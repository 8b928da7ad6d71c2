import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import { toNumber } from '../core/rational.ts';
import { openDecoder } from '../decode/decoder.ts';
import { firstPictureNumber, pictureName } from '../encode/assemble.ts';
import { effectiveOrigin } from '../encode/concat-list.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { pipeBytes } from '../ffmpeg/pipe-bytes.ts';
import { runFfmpeg } from '../ffmpeg/process.ts';
import { scaleMatrix } from '../ffmpeg/scale-matrix.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { Arena } from '../kernels/arena.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import { cutPiece } from '../pipeline/segments.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';

/** One moment, before and after, as files in a folder. */
export interface Still {
  /** Seconds after the source's first frame. */
  readonly seconds: number;
  readonly before: string;
  readonly after: string;
}

export interface StillOptions {
  /** Folder for the pictures; what is there is replaced. */
  readonly folder: string;
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** Where in the film the moments lie, 0..1. */
const MOMENTS = [0.1, 0.37, 0.63, 0.9];
/** Wider outputs are brought down to this, so that pages stay small. */
const WIDEST = 1920;

/**
 * Draws frames of the source, as the model got them and enlarged by bicubic interpolation, and the output's frames of the same moments, as
 * JPEG of one size.
 */
export async function drawStills(
  result: Pick<UpscaleResult, 'plan' | 'pts'>,
  options: StillOptions,
): Promise<Still[]> {
  const { plan, pts } = result;
  const tick = toNumber(plan.decode.timeBase);
  const indices = [...new Set(MOMENTS.map((part) => Math.floor(part * (pts.length - 1))))];
  await rm(options.folder, { recursive: true, force: true });
  await mkdir(options.folder, { recursive: true });
  const stills: Still[] = [];
  for (const [i, index] of indices.entries()) {
    const still = {
      seconds: ((pts[index] ?? 0) - (pts[0] ?? 0)) * tick,
      before: path.join(options.folder, `${String(i + 1)}-before.jpg`),
      after: path.join(options.folder, `${String(i + 1)}-after.jpg`),
    };
    await writeFile(still.before, await drawSource(plan, pts[index] ?? 0, options));
    stills.push(still);
  }
  await drawOutputs(
    result,
    indices.map((index, i) => ({ index, file: stills[i]?.after ?? '' })),
    options,
  );
  return stills;
}

async function drawSource(plan: Plan, startPts: number, options: StillOptions): Promise<Buffer> {
  const { decode, source, infer } = plan;
  const piece = cutPiece(source.video, decode, { index: 0, startPts, endPts: startPts + 1, leadFrames: 0 });
  const arena = new Arena(4 * (frameBytes(pixelFormat(decode.format), decode.width, decode.height) + 64));
  const decoder = openDecoder(decode, piece, { arena, ...options, leadFrames: 0, tailFrames: 0 });
  for await (const { frame, role } of decoder.frames()) {
    const bytes = role === 'body' ? Buffer.from(arena.bytes(frame.offset, frame.byteLength)) : null;
    frame.dispose();
    if (bytes === null) continue;
    const { matrix, range } = infer.input.color;
    return pipeBytes(options.tools, bytes, {
      input: ['-f', 'rawvideo', '-pix_fmt', decode.format, '-s', `${decode.width}x${decode.height}`],
      output: jpegArguments(plan, matrix, range),
      what: 'drawing a still',
      signal: options.signal,
    });
  }
  throw new UpscaleError('DECODER_FAILED', 'A frame of the source did not decode again.');
}

/** All in one process: starting ffmpeg costs more than a frame. */
async function drawOutputs(
  { plan, pts }: Pick<UpscaleResult, 'plan' | 'pts'>,
  stills: readonly { readonly index: number; readonly file: string }[],
  options: StillOptions,
): Promise<void> {
  const { assemble, encode } = plan;
  const isPictures = assemble.muxer === 'image2';
  const args = buildArguments({
    global: ['-v', 'error', '-y'],
    inputs: stills.map(({ index }) =>
      isPictures
        ? { path: pictureName(assemble.path, firstPictureNumber(assemble) + index), options: [] }
        : { path: assemble.path, options: ['-ss', outputSeconds(plan, pts, index).toFixed(6)] },
    ),
    outputs: stills.map(({ file }, i) => ({
      path: file,
      options: [
        ...['-map', `${String(i)}:v:0`, '-frames:v', '1'],
        ...jpegArguments(plan, encode.color.matrix, encode.color.range),
      ],
    })),
  });
  const { tools, signal, logger } = options;
  await runFfmpeg(tools, args, { what: 'drawing stills', signal, logger });
}

/** Just before frame `index` is shown, on the output's clock counted from its start. */
function outputSeconds({ assemble, decode }: Plan, pts: readonly number[], index: number): number {
  const first = pts[0] ?? 0;
  const segment = { path: '', firstPts: first, lastPts: first, frames: 1, lastDuration: 1 };
  const origin = effectiveOrigin(assemble.originTicks, [segment]);
  const at = pts[index] ?? 0;
  const before = pts[index - 1] ?? at - ((pts[1] ?? at + 1) - at);
  return Math.max(0, (at - origin - (at - before) / 2) * toNumber(decode.timeBase));
}

function jpegArguments({ geometry }: Plan, matrix: string, range: string): string[] {
  const width = Math.min(WIDEST, geometry.width);
  const height = Math.round((geometry.height * width) / geometry.width);
  const from = scaleMatrix(matrix);
  const colors = from === null ? '' : `:in_color_matrix=${from}`;
  const ranges = `:in_range=${range === 'pc' ? 'pc' : 'tv'}:out_range=pc`;
  // JFIF is BT.601 of full range.
  const scale = `scale=${String(width)}:${String(height)}:flags=bicubic+accurate_rnd${colors}:out_color_matrix=bt601${ranges}`;
  return ['-vf', `${scale},format=yuvj444p`, '-q:v', '3', '-c:v', 'mjpeg', '-f', 'mjpeg'];
}
