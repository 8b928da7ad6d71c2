import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Notice } from '../core/notice.ts';
import { toNumber, type Rational } from '../core/rational.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { runFfprobe, startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { decideFields } from './fields.ts';
import { gatherFieldEvidence, type FrameEvidence } from './field-evidence.ts';
import { readFfprobeDocument, readNumber, type FfprobeDocument, type FfprobeStream } from './ffprobe-json.ts';
import { findImageSequence, isImagePattern } from './image-sequence.ts';
import { readComplaints, scanPackets, type ScanResult } from './packet-scan.ts';
import { readOtherStream } from './read-other-stream.ts';
import { readFieldOrder, readHdr, readVideoStream, type StreamFacts } from './read-video-stream.ts';
import type { PacketScan, Source } from './source.ts';
import { findTimecode } from './timecode.ts';

export interface ProbeOptions {
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** Rate of image sequences and of raw streams that carry none. */
  readonly inputFrameRate?: Rational | undefined;
}

const STILL_CODECS = new Set([
  'png',
  'mjpeg',
  'tiff',
  'bmp',
  'webp',
  'jpeg2000',
  'targa',
  'ppm',
  'dpx',
  'exr',
]);
/** Interlaced video has at least this many lines; small pictures need no look unless they say so. */
const LEAST_INTERLACED_LINES = 240;
const FRAMES_PER_SPOT = 25;
const MIB = 1 << 20;

/**
 * Finds out what a file really is: streams, geometry, fields (by looking at frames), times of all packets, colours, timecode. Nothing is
 * guessed in silence: what is not known is `unknown` or null, what is odd is in `notices`.
 *
 * Throws `SOURCE_NOT_FOUND`, `SOURCE_UNREADABLE` (no media, empty, header missing), `SOURCE_NO_VIDEO`, `SOURCE_ENCRYPTED`.
 */
export async function probe(input: string, options: ProbeOptions): Promise<Source> {
  const file = path.resolve(input);
  const notices: Notice[] = [];
  const sequence = isImagePattern(file) ? await findImageSequence(file, options.inputFrameRate) : null;
  notices.push(...(sequence?.notices ?? []));
  const inputOptions = sequence?.inputOptions ?? rawRateOptions(file, options.inputFrameRate);
  const identity =
    sequence === null ? await identify(file) : { size: sequence.count, mtimeMs: 0, sampleSha256: '' };

  const [{ document, stderr }, scanned] = await Promise.all([
    describe(file, inputOptions, options),
    scanPackets(file, { ...options, inputOptions }),
  ]);
  const stream = chooseVideo(file, document, stderr, notices);
  const { facts, notices: oddities } = readVideoStream(stream);
  notices.push(...oddities);
  const scan = finishScan(file, scanned, stderr, sequence?.count);
  const still = sequence === null && scan.frames === 1 && isStill(document, facts);

  const [evidence, hdr] = await Promise.all([
    look(file, inputOptions, { document, stream, facts, scan, still }, options),
    readHdrOf(file, inputOptions, stream, facts, options),
  ]);
  const rate = facts.frameRate === null ? null : toNumber(facts.frameRate);
  const tagged = readFieldOrder(stream.field_order);
  const fields = decideFields(tagged, evidence, rate);
  describeScan(scan, scanned.discontinuous, notices);
  return {
    path: file,
    kind: sequence !== null ? 'image-sequence' : still ? 'image' : 'file',
    inputOptions: [...inputOptions],
    container: {
      format: document.format?.format_name ?? 'unknown',
      startTime: readNumber(document.format?.start_time),
      duration: readNumber(document.format?.duration),
      bitRate: readNumber(document.format?.bit_rate),
      tags: document.format?.tags ?? {},
    },
    identity,
    video: { ...facts, hdr, fields, scan },
    discontinuous: scanned.discontinuous,
    others: document.streams.filter(({ index }) => index !== facts.index).map(readOtherStream),
    chapters: document.chapters.map(({ start_time, end_time, tags }) => ({
      start: Number(start_time),
      end: Number(end_time),
      title: tags['title'] ?? null,
    })),
    timecode: findTimecode(document, facts.index),
    notices,
  };
}

async function describe(
  file: string,
  inputOptions: readonly string[],
  options: ProbeOptions,
): Promise<{ document: FfprobeDocument; stderr: string }> {
  const child = startProcess(
    options.tools.ffprobe,
    [
      ...['-v', 'warning', ...inputOptions, '-show_format', '-show_streams', '-show_chapters', '-of', 'json'],
      toFfmpegPath(file),
    ],
    { label: 'probe', stdin: 'ignore', stdout: 'pipe', signal: options.signal, logger: options.logger },
  );
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exit = await child.exited;
  if (options.signal?.aborted === true) throw new UpscaleError('ABORTED', 'The run was stopped.');
  const document = readFfprobeDocument(Buffer.concat(chunks).toString('utf8'));
  if (exit.code !== 0 && document.streams.length === 0) throw await unreadable(file, exit.stderr);
  return { document, stderr: exit.stderr };
}

async function unreadable(file: string, stderr: string): Promise<UpscaleError> {
  const { size } = await stat(file).catch(() => ({ size: -1 }));
  const reason =
    size === 0
      ? 'it is empty'
      : /moov atom not found/.test(stderr)
        ? 'its index is missing, so it is no media file or its recording never ended properly'
        : 'it is no media file that ffmpeg knows, or it is damaged from the start';
  return new UpscaleError('SOURCE_UNREADABLE', `${file} cannot be read: ${reason}.`, {
    hint:
      size === 0
        ? 'Copy it again from where it came.'
        : 'Check that it plays; a recovery tool may rebuild an index.',
    details: stderr.split('\n').slice(-4).join('\n'),
  });
}

/** The first video stream that is no cover art. */
function chooseVideo(
  file: string,
  document: FfprobeDocument,
  stderr: string,
  notices: Notice[],
): FfprobeStream {
  const videos = document.streams.filter(
    ({ codec_type, disposition }) =>
      codec_type === 'video' && disposition['attached_pic'] !== 1 && disposition['timed_thumbnails'] !== 1,
  );
  const stream = videos[0];
  if (stream === undefined) {
    const kinds = [...new Set(document.streams.map(({ codec_type }) => codec_type ?? 'unknown'))].join(', ');
    throw new UpscaleError(
      'SOURCE_NO_VIDEO',
      `${file} has no video to upscale, only ${kinds || 'nothing'}.`,
      {
        hint: 'Give a file with a picture track.',
      },
    );
  }
  if (isEncrypted(document, stderr)) {
    throw new UpscaleError('SOURCE_ENCRYPTED', `${file} is protected by DRM and cannot be decoded.`, {
      hint: 'Use a copy without protection.',
    });
  }
  if ((stream.width ?? 0) <= 0 || (stream.height ?? 0) <= 0 || stream.pix_fmt === undefined) {
    throw new UpscaleError(
      'SOURCE_UNREADABLE',
      `${file} names a ${stream.codec_name ?? 'video'} track, but holds no picture of it that can be decoded.`,
      {
        hint: 'The file is cut off or damaged; copy it again from where it came.',
        details: stderr.split('\n').slice(-4).join('\n'),
      },
    );
  }
  if (videos.length > 1) {
    notices.push({
      level: 'warning',
      code: 'further-video',
      message: `The file has ${String(videos.length)} video tracks; the first (stream ${String(stream.index)}) is upscaled.`,
    });
  }
  return stream;
}

function isEncrypted(document: FfprobeDocument, stderr: string): boolean {
  const drm = Object.keys(document.format?.tags ?? {}).some((tag) =>
    /^(asf_.*protect|wm\/drm|drmheader)/i.test(tag),
  );
  return drm || /DRM protected|encrypted/i.test(stderr);
}

function finishScan(
  file: string,
  scanned: ScanResult,
  stderr: string,
  pictures: number | undefined,
): PacketScan {
  const complaints = [...new Set([...scanned.scan.complaints, ...readComplaints(stderr)])].slice(0, 20);
  const frames = pictures ?? scanned.scan.frames;
  if (frames === 0) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} has a video track without a single frame.`, {
      hint: 'The file is cut off or damaged; copy it again from where it came.',
    });
  }
  return { ...scanned.scan, frames, complaints, complete: scanned.scan.complete && complaints.length === 0 };
}

function isStill(document: FfprobeDocument, facts: StreamFacts): boolean {
  const format = document.format?.format_name ?? '';
  return STILL_CODECS.has(facts.codec) && (format === 'image2' || format.endsWith('_pipe'));
}

/** Looks at frames where fields are possible: at the start, and for longer files at a quarter and at three quarters. */
async function look(
  file: string,
  inputOptions: readonly string[],
  found: {
    document: FfprobeDocument;
    stream: FfprobeStream;
    facts: StreamFacts;
    scan: PacketScan;
    still: boolean;
  },
  options: ProbeOptions,
): Promise<FrameEvidence[][]> {
  const { facts, scan } = found;
  const tagged = readFieldOrder(found.stream.field_order);
  const worth = facts.height >= LEAST_INTERLACED_LINES || tagged === 'tff' || tagged === 'bff';
  if (!worth || found.still || scan.frames < 3) return [];
  const duration = readNumber(found.document.format?.duration) ?? 0;
  const spots = duration > 8 && scan.complete ? [0, duration / 4, (duration * 3) / 4] : [0];
  const framesPerSpot = spots.length > 1 ? FRAMES_PER_SPOT : 2 * FRAMES_PER_SPOT;
  const { width, height } = facts;
  return gatherFieldEvidence(file, { ...options, inputOptions, width, height, spots, framesPerSpot });
}

/** HDR metadata stands in the container or, for many files, only in the first frame. */
async function readHdrOf(
  file: string,
  inputOptions: readonly string[],
  stream: FfprobeStream,
  facts: StreamFacts,
  options: ProbeOptions,
): Promise<Source['video']['hdr']> {
  const fromStream = readHdr(stream.side_data_list);
  const hdr = facts.color.transfer === 'smpte2084' || facts.color.transfer === 'arib-std-b67';
  if (!hdr || fromStream.mastering !== undefined) return fromStream;
  const text = await runFfprobe(
    options.tools,
    [
      ...['-v', 'error', ...inputOptions, '-select_streams', 'V:0', '-read_intervals', '%+#1'],
      ...['-show_frames', '-show_entries', 'frame=pts', '-of', 'json', toFfmpegPath(file)],
    ],
    { what: `reading HDR metadata of ${file}`, signal: options.signal },
  ).catch(() => '{}');
  const frames =
    (JSON.parse(text) as { frames?: { side_data_list?: Record<string, unknown>[] }[] }).frames ?? [];
  return { ...readHdr(frames[0]?.side_data_list ?? []), ...fromStream };
}

function describeScan(scan: PacketScan, discontinuous: boolean, notices: Notice[]): void {
  const tell = (code: string, message: string): void =>
    void notices.push({ level: 'warning', code, message });
  if (!scan.complete) {
    tell(
      'source-damaged',
      `The file is damaged or cut short (${scan.complaints[0] ?? 'its end is missing'}); what decodes is upscaled.`,
    );
  }
  if (discontinuous)
    tell('clock-jumps', 'The clock of the video jumps; times are counted on across the jumps.');
  if (scan.duplicatePts > 0) {
    tell('duplicate-times', `${String(scan.duplicatePts)} frames have the time of the one before.`);
  }
}

/** The rate of raw streams, which carry none, when the user says one. */
function rawRateOptions(file: string, rate: Rational | undefined): string[] {
  const raw = /\.(264|h264|avc|265|h265|hevc|m2v|m1v|mpv|vc1|m4v|dv|ivf|y4m)$/i.test(file);
  return rate !== undefined && raw ? ['-framerate', `${String(rate.num)}/${String(rate.den)}`] : [];
}

/** Size, time of change and a hash over the first, middle and last MiB. */
async function identify(file: string): Promise<Source['identity']> {
  let facts;
  try {
    facts = await stat(file);
  } catch (error) {
    throw new UpscaleError('SOURCE_NOT_FOUND', `There is no file ${file}.`, {
      cause: error,
      hint: 'Check the path.',
    });
  }
  if (facts.isDirectory()) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} is a folder.`, { hint: 'Give a file in it.' });
  }
  const handle = await open(file).catch((error: unknown) => {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} may not be read.`, { cause: error });
  });
  try {
    const hash = createHash('sha256').update(String(facts.size));
    for (const at of new Set([0, Math.floor(facts.size / 2), Math.max(0, facts.size - MIB)])) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(MIB), 0, MIB, at);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { size: facts.size, mtimeMs: facts.mtimeMs, sampleSha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}
