import { readNumber, type FfprobeStream } from './ffprobe-json.ts';
import type { OtherStream } from './source.ts';

/** Translates ffprobe's view of a stream that is not the upscaled video. */
export function readOtherStream(stream: FfprobeStream): OtherStream {
  return {
    index: stream.index,
    type: readType(stream),
    codec: stream.codec_name ?? 'unknown',
    tag: stream.codec_tag_string,
    language: stream.tags['language'] ?? null,
    title: stream.tags['title'] ?? null,
    disposition: Object.entries(stream.disposition)
      .filter(([, set]) => set === 1)
      .map(([name]) => name),
    tags: stream.tags,
    channels: stream.channels ?? null,
    channelLayout: stream.channel_layout ?? null,
    sampleRate: readNumber(stream.sample_rate),
    bitsPerSample: readNumber(stream.bits_per_raw_sample) ?? stream.bits_per_sample ?? null,
    startTime: readNumber(stream.start_time),
    duration: readNumber(stream.duration),
  };
}

function readType(stream: FfprobeStream): OtherStream['type'] {
  const { codec_type, disposition } = stream;
  if (codec_type === 'video') return disposition['attached_pic'] === 1 ? 'cover' : 'video';
  if (codec_type === 'audio' || codec_type === 'subtitle' || codec_type === 'attachment') return codec_type;
  return 'data';
}
