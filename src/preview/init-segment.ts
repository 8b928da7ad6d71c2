import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildArguments } from '../ffmpeg/command.ts';
import { runFfmpeg } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { splitInit } from './fragment.ts';

/** What a player shows of the stacked frames. */
export const VIEWS = ['upscaled', 'original', 'pair'] as const;
export type View = (typeof VIEWS)[number];

/** Sizes of the pictures in a stacked frame. */
export interface StackedPictures {
  readonly stacked: { readonly width: number; readonly height: number };
  readonly upscaled: { readonly width: number; readonly height: number };
  readonly original: { readonly width: number; readonly height: number };
  /** Of the original's pixels. */
  readonly sampleAspectRatio: { readonly num: number; readonly den: number };
}

export interface InitOptions {
  readonly tools: FfmpegTools;
  /** For what is made on the way. */
  readonly directory: string;
  /** Units a second of the fragments' times. */
  readonly timescale: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the init segments of all views from one encoded piece. The views differ in nothing but the cropping that the stream's header tells
 * decoders (frame_crop offsets of ITU-T H.264, 7.4.2.1.1), so that one encoded stream is watched in three ways.
 */
export async function makeInitSegments(
  movie: Buffer,
  pictures: StackedPictures,
  { tools, directory, timescale, signal }: InitOptions,
): Promise<Readonly<Record<View, Buffer>>> {
  const folder = await mkdtemp(path.join(directory, 'init-'));
  try {
    const file = path.join(folder, 'piece.mov');
    await writeFile(file, movie);
    const outputs = VIEWS.map((view) => ({ view, path: path.join(folder, `${view}.mp4`) }));
    // One process for all: starting one takes longer than what it does.
    const command = buildArguments({
      global: ['-v', 'error'],
      inputs: [{ path: file }],
      outputs: outputs.map(({ view, path: output }) => ({
        path: output,
        options: [
          ...['-map', '0', '-c', 'copy', ...describeCrop(view, pictures), '-frames:v', '1'],
          ...['-movflags', '+empty_moov+default_base_moof+frag_keyframe+write_colr'],
          ...['-video_track_timescale', String(timescale), '-f', 'mp4'],
        ],
      })),
    });
    await runFfmpeg(tools, command, { what: 'making the head of the stream', signal });
    const [upscaled, original, pair] = await Promise.all(
      outputs.map(async ({ path: output }) => splitInit(await readFile(output)).init),
    );
    const none = Buffer.alloc(0);
    return { upscaled: upscaled ?? none, original: original ?? none, pair: pair ?? none };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Encoders code whole macroblocks, and cropping counts from those. */
const MACROBLOCK = 16;

/** Options that crop to what a view shows, in the stream and in the container. Pure. */
export function describeCrop(view: View, pictures: StackedPictures): string[] {
  const { stacked, upscaled, original, sampleAspectRatio } = pictures;
  if (view === 'pair') return [];
  const coded = (side: number): number => Math.ceil(side / MACROBLOCK) * MACROBLOCK;
  const even = (side: number): number => side + (side % 2);
  const shown = view === 'upscaled' ? upscaled : original;
  const top = view === 'upscaled' ? 0 : stacked.height - even(original.height);
  const right = coded(stacked.width) - even(shown.width);
  const bottom = coded(stacked.height) - top - even(shown.height);
  const crop = `crop_left=0:crop_right=${right}:crop_top=${top}:crop_bottom=${bottom}`;
  if (view === 'upscaled') return ['-bsf:v', `h264_metadata=${crop}`];
  const { num, den } = sampleAspectRatio;
  // Copied streams are given the shape of the whole frame.
  const aspect = `${num * stacked.width}:${den * stacked.height}`;
  return ['-bsf:v', `h264_metadata=${crop}:sample_aspect_ratio=${num}/${den}`, '-aspect', aspect];
}
