import type { Notice } from '../core/notice.ts';
import { formatRational, type Rational } from '../core/rational.ts';

/** Names of raw elementary streams, whose demuxers take a frame rate. */
const RAW = /\.(264|h264|avc|26l|jsv|265|h265|hevc|m1v|m2v|mpv|m2ve|m4v|vc1es|h263|h261|mjpg|drc|obu)$/i;

/** The options that tell ffmpeg the rate of a raw stream; a rate for any other file is not used, and that is said. */
export function chooseRawRateOptions(
  file: string,
  rate: Rational | undefined,
): { inputOptions: readonly string[]; notices: Notice[] } {
  if (rate === undefined) return { inputOptions: [], notices: [] };
  if (RAW.test(file)) return { inputOptions: ['-framerate', formatRational(rate)], notices: [] };
  return {
    inputOptions: [],
    notices: [
      {
        level: 'warning',
        code: 'frame-rate-not-used',
        message: 'The file has frame times of its own, so the frame rate given for it is not used.',
      },
    ],
  };
}
