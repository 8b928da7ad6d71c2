import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { HdrMetadata } from '../core/color.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Rational } from '../core/rational.ts';
import { readFfprobeDocument, readNumber } from '../decode/ffprobe-json.ts';
import { findImageSequence, isImagePattern, isPictureFormat } from '../decode/image-sequence.ts';
import { readOtherStream } from '../decode/read-other-stream.ts';
import { readHdr, readVideoStream, type StreamFacts } from '../decode/read-video-stream.ts';
import type { OtherStream, Source } from '../decode/source.ts';
import { findTimecode } from '../decode/timecode.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { runFfprobe } from '../ffmpeg/process.ts';
import { readPackets, type PacketIndex, type ReadOptions } from './read-packets.ts';

/** What a finished file holds, read from the file alone. */
export interface Delivered {
  readonly path: string;
  /** Options that must stand before `-i`. */
  readonly inputOptions: readonly string[];
  /** Pictures in files of their own, one or a pattern of them: there are no times, sound or tags. */
  readonly isPictures: boolean;
  readonly format: string;
  /** Seconds; of the earliest stream. */
  readonly startTime: number;
  readonly duration: number | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly video: StreamFacts;
  /** Seconds, as the container's header says; null where it says nothing. */
  readonly videoDuration: number | null;
  readonly videoTags: Readonly<Record<string, string>>;
  readonly hdr: HdrMetadata;
  readonly others: readonly OtherStream[];
  readonly chapters: Source['chapters'];
  readonly timecode: Source['timecode'];
  readonly packets: PacketIndex;
  /** Complaints of the demuxer. */
  readonly complaints: readonly string[];
}

/** Reads a finished file; decodes at most its first frame. Throws `SOURCE_*` or `FFMPEG_FAILED` when there is nothing to look at. */
export async function readDelivered(
  output: string,
  options: ReadOptions & { readonly inputFrameRate?: Rational | undefined },
): Promise<Delivered> {
  const file = path.resolve(output);
  const sequence = isImagePattern(file) ? await findImageSequence(file, options.inputFrameRate) : null;
  if (sequence === null && (await stat(file).catch(() => null)) === null) {
    throw new UpscaleError('SOURCE_NOT_FOUND', `There is no file ${file}.`, { hint: 'Check the path.' });
  }
  const inputOptions = sequence?.inputOptions ?? [];
  const [text, { packets, complaints }] = await Promise.all([
    runFfprobe(
      options.tools,
      [
        ...['-v', 'error', ...inputOptions, '-show_format', '-show_streams', '-show_chapters', '-of', 'json'],
        toFfmpegPath(file),
      ],
      { what: `reading ${file}`, signal: options.signal, logger: options.logger },
    ),
    readPackets(file, inputOptions, options),
  ]);
  const document = readFfprobeDocument(text);
  const stream = document.streams.find(
    ({ codec_type, disposition }) => codec_type === 'video' && disposition['attached_pic'] !== 1,
  );
  if (stream === undefined || stream.width === undefined || stream.height === undefined) {
    throw new UpscaleError('SOURCE_NO_VIDEO', `${file} has no video.`);
  }
  const format = document.format?.format_name ?? 'unknown';
  return {
    path: file,
    inputOptions,
    isPictures: sequence !== null || isPictureFormat(format),
    format,
    startTime: readNumber(document.format?.start_time) ?? 0,
    duration: readNumber(document.format?.duration),
    tags: document.format?.tags ?? {},
    video: readVideoStream(stream).facts,
    videoDuration: readNumber(stream.duration),
    videoTags: stream.tags,
    hdr: { ...(await readFirstFrameHdr(file, inputOptions, options)), ...readHdr(stream.side_data_list) },
    others: document.streams.filter(({ index }) => index !== stream.index).map(readOtherStream),
    chapters: document.chapters.map(({ start_time, end_time, tags }) => ({
      start: Number(start_time),
      end: Number(end_time),
      title: tags['title'] ?? null,
    })),
    timecode: findTimecode(document, stream.index),
    packets,
    complaints,
  };
}

async function readFirstFrameHdr(
  file: string,
  inputOptions: readonly string[],
  options: ReadOptions,
): Promise<HdrMetadata> {
  const text = await runFfprobe(
    options.tools,
    [
      ...['-v', 'quiet', ...inputOptions, '-select_streams', 'V:0', '-read_intervals', '%+#1'],
      ...['-show_frames', '-of', 'json', toFfmpegPath(file)],
    ],
    { what: `decoding the first frame of ${file}`, signal: options.signal, logger: options.logger },
  ).catch((error: unknown) => {
    if (options.signal?.aborted === true) throw error;
    return '{}';
  });
  const { frames = [] } = JSON.parse(text) as { frames?: { side_data_list?: Record<string, unknown>[] }[] };
  return readHdr(frames[0]?.side_data_list ?? []);
}
