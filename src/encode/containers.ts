import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';

/** What a container can hold besides the picture. */
export interface Container {
  readonly muxer: string;
  /** Audio codecs that can be copied into it; `pcm` stands for all little- and big-endian PCM. */
  readonly audio: readonly string[];
  /** Encoder for audio that cannot be copied, with its arguments. */
  readonly audioFallback: readonly [encoder: string, ...args: string[]] | null;
  /** Subtitle codecs that can be copied. */
  readonly subtitles: readonly string[];
  /** Encoder for text subtitles that cannot be copied. */
  readonly textSubtitles: string | null;
  readonly attachments: boolean;
  readonly cover: boolean;
  readonly chapters: boolean;
  readonly timecodeTrack: boolean;
  /** Can be written into a pipe. */
  readonly streamable: boolean;
}

const MP4_AUDIO = ['aac', 'mp3', 'mp2', 'ac3', 'eac3', 'alac', 'opus', 'dts'];

const CONTAINERS: readonly Container[] = [
  {
    muxer: 'mp4',
    audio: MP4_AUDIO,
    audioFallback: ['aac', '-b:a', '320k'],
    subtitles: ['mov_text', 'dvd_subtitle'],
    textSubtitles: 'mov_text',
    attachments: false,
    cover: true,
    chapters: true,
    timecodeTrack: true,
    streamable: true,
  },
  {
    muxer: 'mov',
    audio: [
      'aac',
      'mp3',
      'ac3',
      'eac3',
      'alac',
      'pcm',
      'pcm_alaw',
      'pcm_mulaw',
      'amr_nb',
      'amr_wb',
      'adpcm_ima_qt',
    ],
    audioFallback: ['pcm_s16le'],
    subtitles: ['mov_text'],
    textSubtitles: 'mov_text',
    attachments: false,
    cover: false,
    chapters: true,
    timecodeTrack: true,
    streamable: true,
  },
  {
    muxer: 'matroska',
    audio: [
      'aac',
      'mp3',
      'mp2',
      'mp1',
      'ac3',
      'eac3',
      'dts',
      'truehd',
      'mlp',
      'flac',
      'vorbis',
      'opus',
      'alac',
      'tta',
      'wavpack',
      'pcm',
      'pcm_alaw',
      'pcm_mulaw',
    ],
    audioFallback: ['flac'],
    subtitles: [
      'subrip',
      'srt',
      'ass',
      'ssa',
      'webvtt',
      'dvd_subtitle',
      'hdmv_pgs_subtitle',
      'dvb_subtitle',
      'text',
    ],
    textSubtitles: 'srt',
    attachments: true,
    cover: true,
    chapters: true,
    timecodeTrack: false,
    streamable: true,
  },
  {
    muxer: 'webm',
    audio: ['vorbis', 'opus'],
    audioFallback: ['libopus', '-b:a', '192k'],
    subtitles: ['webvtt'],
    textSubtitles: 'webvtt',
    attachments: false,
    cover: false,
    chapters: true,
    timecodeTrack: false,
    streamable: true,
  },
  {
    muxer: 'mpegts',
    audio: ['aac', 'mp3', 'mp2', 'ac3', 'eac3', 'dts', 'opus'],
    audioFallback: ['aac', '-b:a', '320k'],
    subtitles: ['dvb_subtitle'],
    textSubtitles: null,
    attachments: false,
    cover: false,
    chapters: false,
    timecodeTrack: false,
    streamable: true,
  },
  {
    muxer: 'nut',
    audio: ['aac', 'mp3', 'mp2', 'ac3', 'flac', 'vorbis', 'opus', 'pcm', 'pcm_alaw', 'pcm_mulaw'],
    audioFallback: ['pcm_s16le'],
    subtitles: [],
    textSubtitles: null,
    attachments: false,
    cover: false,
    chapters: true,
    timecodeTrack: false,
    streamable: true,
  },
  {
    muxer: 'image2',
    audio: [],
    audioFallback: null,
    subtitles: [],
    textSubtitles: null,
    attachments: false,
    cover: false,
    chapters: false,
    timecodeTrack: false,
    streamable: false,
  },
];

const EXTENSIONS: Readonly<Record<string, string>> = {
  mp4: 'mp4',
  m4v: 'mp4',
  mov: 'mov',
  qt: 'mov',
  mkv: 'matroska',
  webm: 'webm',
  ts: 'mpegts',
  m2ts: 'mpegts',
  mts: 'mpegts',
  nut: 'nut',
  png: 'image2',
  tif: 'image2',
  tiff: 'image2',
};

/** The container that an output's name asks for; `-` is Matroska, which streams. Throws `CONTAINER_MISFIT` for names that ask for none. */
export function containerFor(outputPath: string): Container {
  const extension = path.extname(outputPath).slice(1).toLowerCase();
  const muxer = outputPath === '-' ? 'matroska' : EXTENSIONS[extension];
  const container = CONTAINERS.find((entry) => entry.muxer === muxer);
  if (container !== undefined) return container;
  throw new UpscaleError(
    'CONTAINER_MISFIT',
    extension === ''
      ? `The output ${outputPath} has no extension that says what container it shall be.`
      : `Upreel writes no .${extension} files.`,
    { hint: 'Use .mp4, .mov, .mkv, .webm, .ts, .nut, or pictures (.png, .tif).' },
  );
}

/** Whether the container takes an audio codec as it is. */
export function holdsAudio(container: Container, codec: string): boolean {
  return (
    container.audio.includes(codec) ||
    (/^pcm_[suf]\d+(le|be)$/.test(codec) && container.audio.includes('pcm'))
  );
}
