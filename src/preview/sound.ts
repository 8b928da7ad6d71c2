import { buildArguments } from '../ffmpeg/command.ts';
import { readFfmpeg } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { shiftFragments, splitInit } from './fragment.ts';

/** Samples a second of the sound in previews. */
export const SOUND_RATE = 48_000;
/** Seconds of a piece of sound. Long ones, since borders are where rounded timestamps of a source could be heard. */
export const SOUND_SECONDS = 10;
/** Decoded and thrown away before a piece, so that decoders and filters have settled. */
const LEAD_SECONDS = 0.5;
/** Samples of a FLAC frame: the same in all pieces, so that one init segment fits all. */
const FRAME_SAMPLES = 4096;

export interface SoundSource {
  readonly path: string;
  readonly inputOptions: readonly string[];
  readonly streamIndex: number;
  /** Source seconds of the first picture, which is zero for players. */
  readonly origin: number;
  /** Seconds of the whole. */
  readonly duration: number;
}

/** A piece of sound: what players need first, and the fragments, on the players' clock. */
export interface SoundPiece {
  readonly init: Buffer;
  readonly fragments: Buffer;
}

/**
 * Cuts `[start, end)` seconds out of the sound, to the sample, as FLAC: lossless frames have no memory, so pieces that were made apart join
 * without a click, which those of lossy codecs do not. Where the source has no sound the piece is silent.
 *
 * @throws UpscaleError `FFMPEG_FAILED`, `ABORTED`
 */
export async function cutSound(
  source: SoundSource,
  { start, end }: { readonly start: number; readonly end: number },
  options: { readonly tools: FfmpegTools; readonly signal?: AbortSignal | undefined },
): Promise<SoundPiece> {
  const first = Math.round(start * SOUND_RATE);
  const samples = Math.round(end * SOUND_RATE) - first;
  const origin = Math.round(source.origin * SOUND_RATE);
  const from = origin + first;
  const lead = Math.round(LEAD_SECONDS * SOUND_RATE);
  const file = await readFfmpeg(options.tools, buildSoundCommand(source, { from, lead, samples }), {
    what: 'cutting out sound',
    signal: options.signal,
  });
  const { init, fragments } = splitInit(file);
  return { init, fragments: shiftFragments(fragments, first) };
}

/** Pure. Counted in samples of {@link SOUND_RATE}, `from` on the source's clock. */
export function buildSoundCommand(
  source: SoundSource,
  { from, lead, samples }: { readonly from: number; readonly lead: number; readonly samples: number },
): string[] {
  const seek = (from - lead) / SOUND_RATE - 1;
  const filters = [
    // Only gaps are filled and overlaps cut: what is stretched would not join.
    `aresample=${String(SOUND_RATE)}:async=1:min_hard_comp=0.1:first_pts=${String(from - lead)}`,
    'aformat=sample_fmts=s16:channel_layouts=stereo',
    'apad',
    `atrim=start_sample=${String(lead)}:end_sample=${String(lead + samples)}`,
    'asetpts=N',
  ];
  return buildArguments({
    global: ['-v', 'error', '-copyts'],
    inputs: [
      {
        path: source.path,
        options: [...(seek > 0 ? ['-seek_timestamp', '1', '-ss', String(seek)] : []), ...source.inputOptions],
      },
    ],
    outputs: [
      {
        path: 'pipe:1',
        options: [
          ...['-map', `0:${String(source.streamIndex)}`, '-af', filters.join(',')],
          ...['-c:a', 'flac', '-frame_size', String(FRAME_SAMPLES), '-compression_level', '2'],
          ...['-strict', 'experimental', '-movflags', '+empty_moov+default_base_moof', '-f', 'mp4'],
        ],
      },
    ],
  });
}
