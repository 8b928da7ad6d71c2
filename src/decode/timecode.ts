import { parseRational } from '../core/rational.ts';
import type { FfprobeDocument } from './ffprobe-json.ts';
import type { Source } from './source.ts';

/**
 * Finds the start timecode: a `tmcd` track has its own rate and drop flag and wins, then the video's tag, then the file's (MXF, some
 * QuickTime). Drop-frame shows as a semicolon before the frames.
 */
export function findTimecode(document: FfprobeDocument, videoIndex: number): Source['timecode'] {
  const track = document.streams.find(
    (stream) => stream.codec_tag_string === 'tmcd' && stream.tags['timecode'] !== undefined,
  );
  const video = document.streams.find((stream) => stream.index === videoIndex);
  const others = document.streams.find((stream) => stream.tags['timecode'] !== undefined);
  const places = [track?.tags, video?.tags, document.format?.tags, others?.tags];
  const text = places
    .map((tags) => tags?.['timecode'] ?? tags?.['TIMECODE'])
    .find((entry) => isTimecode(entry));
  if (text === undefined) return null;
  const reel =
    [...places, ...document.streams.map(({ tags }) => tags)]
      .map((tags) => tags?.['reel_name'] ?? tags?.['reel'] ?? tags?.['REEL_NAME'])
      .find((entry) => entry !== undefined && entry !== '') ?? null;
  const rate = track?.avg_frame_rate === undefined ? null : parseRational(track.avg_frame_rate);
  return { text, dropFrame: /[;.]\d+$/.test(text), rate: rate?.num === 0 ? null : rate, reel };
}

function isTimecode(text: string | undefined): boolean {
  return text !== undefined && /^\d{2}:\d{2}:\d{2}[:;.]\d{2,3}$/.test(text);
}
