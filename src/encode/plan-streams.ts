import type { Notice } from '../core/notice.ts';
import { holdsAudio, type Container } from './containers.ts';
import type { StreamPlan } from './encode-plan.ts';
import type { EncodeSource, EncodeSourceStream } from './encode-source.ts';

const TEXT_SUBTITLES = new Set([
  'subrip',
  'srt',
  'ass',
  'ssa',
  'webvtt',
  'mov_text',
  'text',
  'microdvd',
  'subviewer',
]);

const AUDIO_ENCODERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  aac: ['aac', '-b:a', '320k'],
  opus: ['libopus', '-b:a', '192k'],
  mp3: ['libmp3lame', '-q:a', '0'],
  flac: ['flac'],
  alac: ['alac'],
  ac3: ['ac3', '-b:a', '448k'],
  vorbis: ['libvorbis', '-q:a', '7'],
  pcm: ['pcm_s16le'],
};

/** Codecs that `--audio` knows besides `copy` and `none`. */
export const AUDIO_CODECS: readonly string[] = Object.keys(AUDIO_ENCODERS);

/**
 * Decides what becomes of every stream but the picture, and says what is lost or changed. Pure. Of a part of the source, sound is cut to the
 * sample, which takes coding it anew: PCM as the same PCM, other sound without a further loss where the container can.
 */
export function planStreams(
  source: Pick<EncodeSource, 'others' | 'chapters'>,
  container: Container,
  audio: string,
  isPart = false,
): { streams: StreamPlan[]; notices: Notice[] } {
  const notices: Notice[] = [];
  const streams: StreamPlan[] = [];
  for (const stream of source.others) {
    const plan = planStream(stream, container, audio, isPart);
    streams.push(plan);
    // QuickTime keeps chapters in a text track, which is made anew.
    if (stream.type === 'data' && stream.tag === 'text' && source.chapters.length > 0) continue;
    const label = `${stream.type} stream ${String(stream.index)} (${stream.codec})`;
    if (plan.action === 'drop' && stream.tag !== 'tmcd' && !(stream.type === 'audio' && audio === 'none')) {
      notices.push({
        level: 'warning',
        code: `${stream.type}-dropped`,
        message: `The ${label} is left out: ${plan.reason}.`,
      });
    } else if (plan.action === 'transcode') {
      const level = stream.type === 'audio' && (audio !== 'copy' || isPart) ? 'info' : 'warning';
      notices.push({
        level,
        code: `${stream.type}-transcoded`,
        message: `The ${label} becomes ${plan.encoder ?? ''}: ${plan.reason}.`,
      });
    }
  }
  return { streams, notices };
}

function planStream(
  stream: EncodeSourceStream,
  container: Container,
  audio: string,
  isPart: boolean,
): StreamPlan {
  const make = (
    action: StreamPlan['action'],
    reason: string,
    encoder: readonly string[] = [],
  ): StreamPlan => ({
    index: stream.index,
    type: stream.type === 'video' ? 'data' : stream.type,
    codec: stream.codec,
    action,
    encoder: encoder[0] ?? null,
    // Decoded sound loses the gaps between its packets, and with them its sync, unless they are filled with silence.
    arguments: [
      ...encoder.slice(1),
      ...(stream.type === 'audio' && action === 'transcode'
        ? ['-filter', 'aresample=async=1000:min_hard_comp=0.01']
        : []),
    ],
    title: stream.type === 'audio' ? stream.title : null,
    reason,
  });
  switch (stream.type) {
    case 'audio':
      return planAudio(stream, container, { audio, isPart }, make);
    case 'subtitle':
      return planSubtitle(stream, container, make);
    case 'attachment':
      return container.attachments
        ? make('copy', 'kept')
        : make('drop', `${container.muxer} holds no attachments; .mkv does`);
    case 'cover':
      return container.cover
        ? make('copy', 'kept')
        : make('drop', `${container.muxer} holds no cover picture; .mp4 and .mkv do`);
    case 'video':
      return make('drop', 'one picture track is upscaled');
    case 'data':
      return stream.tag === 'tmcd'
        ? make('drop', 'the timecode is written anew')
        : make('drop', 'no container takes it from another file');
  }
}

type Make = (action: StreamPlan['action'], reason: string, encoder?: readonly string[]) => StreamPlan;

function planAudio(
  stream: EncodeSourceStream,
  container: Container,
  { audio, isPart }: { readonly audio: string; readonly isPart: boolean },
  make: Make,
): StreamPlan {
  if (audio === 'none') return make('drop', 'asked for');
  if (container.audioFallback === null) return make('drop', 'pictures hold no sound');
  if (stream.codec === 'unknown' || stream.codec === 'none' || stream.channels === 0)
    return make('drop', 'its codec is unknown');
  if (audio !== 'copy') {
    const encoder = AUDIO_ENCODERS[audio];
    if (encoder !== undefined) return make('transcode', 'asked for', encoder);
  }
  const held = holdsAudio(container, stream.codec);
  if (held && !isPart) return make('copy', 'kept bit for bit');
  if (held && /^pcm_[suf]\d/.test(stream.codec))
    return make('transcode', 'cut to the sample', [stream.codec]);
  // What was compressed decodes to more than 16 bits.
  const bits = stream.bitsPerSample ?? (isPart ? 24 : 16);
  const lossless: readonly string[] | null =
    container.muxer === 'mov'
      ? [bits > 16 ? 'pcm_s24le' : 'pcm_s16le']
      : container.muxer === 'matroska'
        ? ['flac']
        : null;
  const way = container.muxer === 'mp4' ? '; an output named .mov or .mkv keeps PCM bit for bit' : '';
  if (held) return make('transcode', 'cut to the sample', lossless ?? container.audioFallback);
  return make(
    'transcode',
    `${container.muxer} does not hold ${stream.codec}${way}`,
    lossless ?? container.audioFallback,
  );
}

function planSubtitle(stream: EncodeSourceStream, container: Container, make: Make): StreamPlan {
  if (container.subtitles.includes(stream.codec)) return make('copy', 'kept');
  if (TEXT_SUBTITLES.has(stream.codec) && container.textSubtitles !== null) {
    return make('transcode', `${container.muxer} has text subtitles of its own kind`, [
      container.textSubtitles,
    ]);
  }
  return make('drop', `${container.muxer} does not hold ${stream.codec} subtitles; .mkv may`);
}
