import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Rational } from '../core/rational.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';

/** File descriptor that sound leaves the reading ffmpeg by, and enters the writing one. */
export const SOUND_PIPE = 3;
/** Ticks a second of live frames. */
export const LIVE_TIME_BASE: Rational = { num: 1, den: 90_000 };
/** Seconds of an HLS segment, and how many a playlist holds. */
const HLS_SECONDS = 1;
const HLS_ENTRIES = 8;

const PROTOCOL = /^(rtmps?|srt|udp|rtp|rtsps?|tcp|https?):\/\//;

/** Whether a name means a source that has no end and cannot be jumped about in. */
export function isLiveSource(name: string): boolean {
  return name === '-' || PROTOCOL.test(name) || name.startsWith('/dev/video');
}

/** Where a live stream goes: an address, or a folder of HLS. Throws `USAGE` for anything else. */
export function checkDestination(name: string): void {
  if (/^(rtmps?|srt|udp|rtsps?|tcp):\/\//.test(name) || path.extname(name) === '.m3u8') return;
  throw new UpscaleError('USAGE', `A stream cannot go to ${name}.`, {
    hint: 'Give an address (rtmp://, srt://, udp://, rtsp://, tcp://), or a playlist such as folder/stream.m3u8.',
  });
}

/**
 * Reads a live source: square pixels, no fields, 4:2:0 of 8 bit as NUT on stdout, and its sound, where it is wanted, as NUT on
 * {@link SOUND_PIPE}. Both on one clock. Pure.
 */
export function buildLiveReader(
  source: string,
  { withSound, tools }: { readonly withSound: boolean; readonly tools: Pick<FfmpegTools, 'features'> },
): string[] {
  const filters = [
    'bwdif=mode=send_frame:deint=interlaced',
    "scale=w='trunc(iw*sar/2)*2':h='trunc(ih/2)*2':flags=bicubic",
    'setsar=1',
    'format=yuv420p',
  ];
  return buildArguments({
    global: ['-v', 'level+warning'],
    inputs: [{ path: source === '-' ? 'pipe:0' : source, options: readOptions(source) }],
    outputs: [
      {
        path: 'pipe:1',
        options: [
          ...['-map', '0:v:0', '-vf', filters.join(','), ...keepFrameTimes(tools)],
          ...['-enc_time_base', `${LIVE_TIME_BASE.num}/${LIVE_TIME_BASE.den}`],
          ...['-c:v', 'rawvideo', '-flush_packets', '1', '-f', 'nut'],
        ],
      },
      ...(withSound
        ? [
            {
              path: `pipe:${SOUND_PIPE}`,
              options: [
                ...['-map', '0:a:0', '-af', 'aresample=48000:async=1000', '-ac', '2', '-c:a', 'pcm_s16le'],
                ...['-flush_packets', '1', '-f', 'nut'],
              ],
            },
          ]
        : []),
    ],
  });
}

function readOptions(source: string): string[] {
  // What is looked at in the beginning is left out, but for what comes through a pipe: that may be a file.
  const soon = [
    ...(source === '-' ? [] : ['-fflags', '+nobuffer']),
    ...['-probesize', '1000000', '-analyzeduration', '1000000'],
  ];
  if (source.startsWith('/dev/video')) return ['-f', 'v4l2'];
  return source.startsWith('rtsp') ? [...soon, '-rtsp_transport', 'tcp'] : soon;
}

/** Encodes what comes in as NUT, with its sound, and sends it off. Pure. */
export function buildLiveWriter(
  destination: string,
  options: {
    readonly withSound: boolean;
    readonly tools: Pick<FfmpegTools, 'features'>;
    readonly sourceLines: number;
  },
): string[] {
  const { withSound, tools, sourceLines } = options;
  return buildArguments({
    global: ['-v', 'level+warning', '-copyts'],
    inputs: [
      { path: 'pipe:0', options: ['-thread_queue_size', '64', '-f', 'nut'] },
      ...(withSound
        ? [{ path: `pipe:${SOUND_PIPE}`, options: ['-thread_queue_size', '512', '-f', 'nut'] }]
        : []),
    ],
    outputs: [
      {
        path: destination,
        options: [
          ...['-map', '0:v:0', ...(withSound ? ['-map', '1:a:0', '-c:a', 'aac', '-b:a', '160k'] : [])],
          // Else the clock would be that of a guessed rate: times rounded to it, and heads of segments made elsewhere wrong.
          ...[...keepFrameTimes(tools), '-enc_time_base', `${LIVE_TIME_BASE.num}/${LIVE_TIME_BASE.den}`],
          ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '22', '-bf', '0'],
          ...tagColors(sourceLines),
          ...['-pix_fmt', 'yuv420p', '-force_key_frames', `expr:gte(t,n_forced*${HLS_SECONDS})`],
          ...writeOptions(destination),
        ],
      },
    ],
  });
}

/** The colours that a source of so many lines has by convention: enlarged ones would be taken for HD's. */
function tagColors(lines: number): string[] {
  const [primaries, matrix] =
    lines > 576 ? ['bt709', 'bt709'] : lines > 486 ? ['bt470bg', 'bt470bg'] : ['smpte170m', 'smpte170m'];
  return [
    ...['-color_primaries', primaries, '-color_trc', lines > 576 ? 'bt709' : 'smpte170m'],
    ...['-colorspace', matrix, '-color_range', 'tv'],
  ];
}

function writeOptions(destination: string): string[] {
  if (destination.startsWith('rtmp')) return ['-f', 'flv'];
  if (destination.startsWith('rtsp')) return ['-f', 'rtsp', '-rtsp_transport', 'tcp'];
  if (path.extname(destination) !== '.m3u8') return ['-f', 'mpegts'];
  return [
    ...['-f', 'hls', '-hls_time', String(HLS_SECONDS), '-hls_list_size', String(HLS_ENTRIES)],
    ...['-hls_flags', 'delete_segments+independent_segments', '-hls_segment_type', 'fmp4'],
    ...['-hls_fmp4_init_filename', 'init.mp4'],
    ...['-hls_segment_filename', path.join(path.dirname(destination), 'segment-%05d.m4s')],
  ];
}
