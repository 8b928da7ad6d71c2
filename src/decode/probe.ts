import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Notice } from '../core/notice.ts';
import { rational, toNumber, type Rational } from '../core/rational.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { chooseVideo } from './choose-video.ts';
import { areKeyframesClean } from './clean-keyframes.ts';
import { readComplaint } from './decoder-complaints.ts';
import { describeFile } from './describe-file.ts';
import { describeOddities } from './describe-oddities.ts';
import type { FfprobeDocument } from './ffprobe-json.ts';
import { readNumber } from './ffprobe-json.ts';
import { decideFields } from './fields.ts';
import { identifyFile, isAddress } from './identify-file.ts';
import { findImageSequence, isImagePattern, isPictureFormat } from './image-sequence.ts';
import { lookAtFields } from './look-at-fields.ts';
import { countFieldCodedFrames, type PacketSummary } from './packet-collector.ts';
import { scanPackets, type ScanResult } from './packet-scan.ts';
import { chooseRawRateOptions } from './raw-rate.ts';
import { readFrameHdr } from './read-frame-hdr.ts';
import { findProvenance } from './read-provenance.ts';
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

const MOST_COMPLAINTS = 20;
const MOST_FRAMES_A_SECOND = 240;
const STILL_CODECS = new Set([
  ...['png', 'mjpeg', 'tiff', 'bmp', 'webp', 'jpeg2000', 'targa', 'ppm', 'dpx', 'exr'],
  ...['pgm', 'pam', 'pbm', 'sgi', 'jpegls', 'qoi', 'psd'],
]);

/**
 * Finds out what a file really is: streams, geometry, fields (by looking at frames), times of all packets, colours, timecode. Nothing is
 * guessed in silence: what is not known is `unknown` or null, what is odd is in `notices`.
 *
 * `input` is a file, an address that serves ranges of one, a single picture, or the pattern of an image sequence (`shot.%04d.png`).
 * Throws `SOURCE_NOT_FOUND`, `SOURCE_UNREADABLE` (no media, empty, header missing), `SOURCE_NO_VIDEO`, `SOURCE_ENCRYPTED`.
 */
export async function probe(input: string, options: ProbeOptions): Promise<Source> {
  const file = isAddress(input) ? input : path.resolve(input);
  const sequence =
    !isAddress(input) && isImagePattern(file) ? await findImageSequence(file, options.inputFrameRate) : null;
  const raw = sequence ?? chooseRawRateOptions(file, options.inputFrameRate);
  const { inputOptions } = raw;
  const identity = sequence === null ? await identifyFile(file) : sequence.identity;

  const [{ document, stderr }, scanned] = await Promise.all([
    describeFile(file, { ...options, inputOptions }),
    scanPackets(file, { ...options, inputOptions }),
  ]);
  const chosen = chooseVideo(file, document, { stderr, encrypted: scanned.encrypted });
  const { stream } = chosen;
  const read = readVideoStream(stream);
  const tagged = readFieldOrder(stream.field_order);
  const summary = findSummary(file, scanned, stream.index);
  const interlaced = tagged === 'tff' || tagged === 'bff';
  const frames =
    sequence?.count ?? (interlaced ? countFrames(summary, read.facts, document) : summary.frames);
  const scan = describeScan(summary, frames, scanned, stderr, stream.index);
  const facts = { ...read.facts, frameRate: chooseFrameRate(read.facts, scan, summary) };
  const still = sequence === null && frames === 1 && isStill(document, facts);

  const how = { ...options, inputOptions };
  const seconds = readNumber(document.format?.duration);
  const [evidence, frameHdr, clean] = await Promise.all([
    still ? [] : lookAtFields(file, tagged, { ...facts, scan, seconds }, how),
    readFrameHdr(file, facts, stream, how),
    // Only H.264 and HEVC streams are made with a refresh that rolls through the picture.
    /^(h264|hevc)$/.test(facts.codec) && scan.complete && !scan.intraOnly
      ? areKeyframesClean(file, { ...facts, keyframes: summary.doubtfulKeyframes }, how)
      : true,
  ]);
  const fields = decideFields(tagged, evidence, facts.frameRate === null ? null : toNumber(facts.frameRate));
  const video = {
    ...facts,
    hdr: { ...frameHdr, ...readHdr(stream.side_data_list) },
    fields,
    scan: clean ? scan : { ...scan, keyframes: scan.keyframes.slice(0, 1) },
  };
  const { discontinuous } = summary;
  return {
    path: file,
    kind: sequence !== null ? 'image-sequence' : still ? 'image' : 'file',
    inputOptions: [...inputOptions],
    container: {
      format: document.format?.format_name ?? 'unknown',
      startTime: readNumber(document.format?.start_time),
      duration: seconds,
      bitRate: readNumber(document.format?.bit_rate),
      tags: document.format?.tags ?? {},
    },
    identity,
    video,
    discontinuous,
    others: document.streams.filter(({ index }) => index !== facts.index).map(readOtherStream),
    chapters: document.chapters.map(({ start_time, end_time, tags }) => ({
      start: Number(start_time),
      end: Number(end_time),
      title: tags['title'] ?? null,
    })),
    timecode: findTimecode(document, facts.index),
    provenance: await findProvenance(file, document.format?.tags ?? {}),
    notices: [
      ...raw.notices,
      ...chosen.notices,
      ...read.notices,
      ...describeOddities({ video, discontinuous, stderr: stderr + scanned.stderr }),
    ] satisfies Notice[],
  };
}

function findSummary(file: string, scanned: ScanResult, index: number): PacketSummary {
  const summary = scanned.streams.get(index);
  if (summary !== undefined && summary.frames > 0) return summary;
  throw new UpscaleError('SOURCE_UNREADABLE', `${file} has a video track without a single frame.`, {
    hint: 'The file is cut off or damaged; copy it again from where it came.',
  });
}

/** Packets are frames, except where a field has a packet of its own: H.264 and VC-1 outside of containers that join them. */
function countFrames(summary: PacketSummary, facts: StreamFacts, document: FfprobeDocument): number {
  const rate = facts.averageFrameRate;
  const joined = /^(mov|avi|mxf)/.test(document.format?.format_name ?? '');
  if (rate === null || joined || !/^(h264|vc1)$/.test(facts.codec)) return summary.frames;
  const ticks = (rate.den * facts.timeBase.den) / (rate.num * facts.timeBase.num);
  return countFieldCodedFrames(summary, ticks);
}

function describeScan(
  summary: PacketSummary,
  frames: number,
  scanned: ScanResult,
  stderr: string,
  index: number,
): PacketScan {
  const lines = `${stderr}\n${scanned.stderr}`.split('\n').map((line) => readComplaint(line, index));
  const complaints = [...new Set(lines.filter((line) => line !== null))].slice(0, MOST_COMPLAINTS);
  const { firstPts, lastPts, lastDuration, keyframes, intraOnly, step } = summary;
  const { variableFrameRate, missingPts, duplicatePts } = summary;
  return {
    ...{ frames, firstPts, lastPts, lastDuration, keyframes, intraOnly, step },
    ...{ variableFrameRate, missingPts, duplicatePts },
    complete: scanned.ended && complaints.length === 0,
    complaints,
  };
}

/**
 * The nominal rate, unless frames come much more seldom than it says: it may be that of fields, or a container's time base. Where packets
 * carry no times (raw streams), newer ffprobes give a rate that nobody said; there the packets' durations tell what the stream itself says.
 */
function chooseFrameRate(facts: StreamFacts, scan: PacketScan, summary: PacketSummary): Rational | null {
  const { frameRate, averageFrameRate, timeBase } = facts;
  const [duration] = [...summary.durations].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
  if (scan.missingPts > 0 && duration > 0) {
    const packetsPerFrame = scan.frames < 0.75 * summary.frames ? 2 : 1;
    const rate = rational(timeBase.den, timeBase.num * duration * packetsPerFrame);
    if (toNumber(rate) <= MOST_FRAMES_A_SECOND) return rate;
  }
  if (frameRate === null || averageFrameRate === null) return frameRate ?? averageFrameRate;
  const perFrame = toNumber(frameRate) / toNumber(averageFrameRate);
  if (perFrame < 1.5) return frameRate;
  const step = scan.step === null ? null : scan.step.median * toNumber(timeBase) * toNumber(frameRate);
  const isFieldRate = Math.abs(perFrame - 2) < 0.01;
  return step !== null && step < 1.25 && !isFieldRate ? frameRate : averageFrameRate;
}

function isStill(document: FfprobeDocument, facts: StreamFacts): boolean {
  return STILL_CODECS.has(facts.codec) && isPictureFormat(document.format?.format_name ?? '');
}
