import { open, type FileHandle } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import type { EncodePlan } from './encode-plan.ts';
import { findBox, parseBoxes, requireBox, serializeBoxes, torn, type Box } from './mov-boxes.ts';

export interface SegmentTimes {
  /** Of all frames, in order of showing, in units of the track's clock; the first is 0. */
  readonly pts: readonly number[];
  /** Units that the last frame is shown. */
  readonly lastDuration: number;
  /** Whether frame distances vary somewhere in the whole video. */
  readonly variable: boolean;
}

/**
 * Holds a segment's QuickTime file against the frames that went into the encoder, and sets right what ffmpeg leaves open:
 *
 * - The last frame's duration. Some encoders report none; a demuxer then takes the frame as lying behind the track's end.
 * - Decoding times where frames are reordered and their distances vary. Encoders lead in by the first distances of their own segment,
 *   which may reach back behind the last decoding time of the segment before; ffmpeg would move frames then. The lead-in gets one unit
 *   a frame, which always fits: frames before it lie at least as many units back.
 *
 * Throws `ENCODER_FAILED` when frames are missing or have other times than they were given.
 */
export async function settleSegmentTimes(path: string, times: SegmentTimes): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { offset, moov } = await readMoov(file);
    settle(moov, times);
    const bytes = serializeBoxes([moov]);
    await file.write(bytes, 0, bytes.length, offset);
    await file.truncate(offset + bytes.length);
  } finally {
    await file.close();
  }
}

/** How long a last frame is usually shown, in ticks: as the nominal rate says, else as long as the one before; a lone one for a tick. */
export function usualLastTicks(
  { frameRate, timeBase }: Pick<EncodePlan, 'frameRate' | 'timeBase'>,
  times: readonly number[],
): number {
  if (frameRate !== null) {
    return Math.max(1, Math.round((frameRate.den * timeBase.den) / (frameRate.num * timeBase.num)));
  }
  const [before, last] = times.slice(-2);
  return before === undefined || last === undefined ? 1 : Math.max(1, last - before);
}

/** The last box of the file, which ffmpeg writes when all else is written: a file without it is torn. */
async function readMoov(file: FileHandle): Promise<{ offset: number; moov: Box }> {
  const { size: end } = await file.stat();
  const header = Buffer.alloc(16);
  for (let offset = 0; offset + 8 <= end;) {
    await file.read(header, 0, 16, offset);
    const short = header.readUInt32BE(0);
    const size = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
    if (size < 8 || offset + size > end) throw torn();
    if (header.toString('latin1', 4, 8) === 'moov') {
      if (offset + size !== end) throw torn();
      const data = Buffer.alloc(size);
      await file.read(data, 0, size, offset);
      const moov = parseBoxes(data)[0];
      if (moov !== undefined) return { offset, moov };
    }
    offset += size;
  }
  throw torn();
}

/** Exported for tests. */
export function settle(moov: Box, { pts, lastDuration, variable }: SegmentTimes): void {
  const track = [requireBox([moov], 'moov', 'trak')];
  const table = requireBox(track, 'trak', 'mdia', 'minf', 'stbl').children ?? [];
  const stts = requireBox(table, 'stts');
  const ctts = findBox(table, 'ctts');
  const given = readSampleTimes(stts, ctts);
  const first = Math.min(...given.slice(0, 32).map((sample) => sample.pts));
  const shown = given.map((sample) => sample.pts - first);
  checkTimes(shown, pts);

  const lead = first - (given[0]?.dts ?? 0);
  const dts =
    ctts !== null && variable ? compactDecodeTimes(shown, pts) : given.map((sample) => sample.dts - lead);
  const start = dts[0] ?? 0;
  const length = (pts.at(-1) ?? 0) + lastDuration;
  // Decoding runs ahead of showing by whole frames; where these differ, its last one reaches to the end, or muxers would end before.
  const lastDelta = ctts !== null && variable ? length - (dts.at(-1) ?? 0) : lastDuration;
  stts.content = writeRuns([...dts.slice(1).map((time, i) => time - (dts[i] ?? 0)), lastDelta]);
  if (ctts !== null) {
    // Version 1 when ffmpeg wrote it so; offsets are never negative here.
    ctts.content = writeRuns(
      shown.map((time, i) => time - (dts[i] ?? 0)),
      ctts.content.readUInt32BE(0),
    );
  }
  writeDurations(moov, track, {
    media: (dts.at(-1) ?? 0) + lastDelta - start,
    shown: length,
    lead: -start,
  });
}

function checkTimes(shown: readonly number[], pts: readonly number[]): void {
  if (shown.length !== pts.length) {
    throw new UpscaleError(
      'ENCODER_FAILED',
      `The encoder was given ${String(pts.length)} frames and its file has ${String(shown.length)}.`,
      { retryable: true },
    );
  }
  const ordered = [...shown].sort((a, b) => a - b);
  const wrong = ordered.findIndex((time, i) => time !== pts[i]);
  if (wrong !== -1) {
    throw new UpscaleError(
      'ENCODER_FAILED',
      `Frame ${String(wrong)} of a segment has the time ${String(ordered[wrong])} instead of ${String(pts[wrong])}.`,
    );
  }
}

/** Decoding times for frames of times `shown`, in coding order: as late as the order allows, led in by single units. */
function compactDecodeTimes(shown: readonly number[], ordered: readonly number[]): number[] {
  const rank = new Map(ordered.map((time, i) => [time, i]));
  const delay = shown.reduce((most, time, i) => Math.max(most, i - (rank.get(time) ?? i)), 0);
  return shown.map((_, i) => (i < delay ? i - delay : (ordered[i - delay] ?? 0)));
}

function readSampleTimes(stts: Box, ctts: Box | null): { dts: number; pts: number }[] {
  const offsets = ctts === null ? null : readRuns(ctts.content, true);
  let dts = 0;
  return readRuns(stts.content, false).map((delta, i) => {
    const sample = { dts, pts: dts + (offsets?.[i] ?? 0) };
    dts += delta;
    return sample;
  });
}

/** Runs of equal values: version and flags, number of runs, then count and value of each. */
function readRuns(content: Buffer, signed: boolean): number[] {
  const values: number[] = [];
  for (let run = 0; run < content.readUInt32BE(4); run++) {
    const at = 8 + run * 8;
    const value = signed ? content.readInt32BE(at + 4) : content.readUInt32BE(at + 4);
    for (let count = content.readUInt32BE(at); count > 0; count--) values.push(value);
  }
  return values;
}

function writeRuns(values: readonly number[], versionAndFlags = 0): Buffer {
  const runs: { count: number; value: number }[] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.value === value) last.count++;
    else runs.push({ count: 1, value });
  }
  const content = Buffer.alloc(8 + runs.length * 8);
  content.writeUInt32BE(versionAndFlags, 0);
  content.writeUInt32BE(runs.length, 4);
  runs.forEach(({ count, value }, i) => {
    content.writeUInt32BE(count, 8 + i * 8);
    content.writeInt32BE(value, 12 + i * 8);
  });
  return content;
}

/** Durations of the movie, the track, the media and the edit list, which counts in the movie's own clock. */
function writeDurations(
  moov: Box,
  track: readonly Box[],
  units: { media: number; shown: number; lead: number },
): void {
  const mvhd = requireBox([moov], 'moov', 'mvhd');
  const mdhd = requireBox(track, 'trak', 'mdia', 'mdhd');
  const tkhd = requireBox(track, 'trak', 'tkhd');
  const clock = readClock(mdhd);
  const movie = readClock(mvhd);
  const inMovie = Math.ceil((units.shown * movie) / clock);
  writeTime(mdhd, units.media, 16, 24);
  writeTime(mvhd, inMovie, 16, 24);
  writeTime(tkhd, inMovie, 20, 28);
  const elst = findBox(track, 'trak', 'edts', 'elst');
  if (elst === null) return;
  // One entry: shown for so long from this media time on, at normal speed.
  elst.content = Buffer.alloc(28);
  elst.content.writeUInt8(1, 0);
  elst.content.writeUInt32BE(1, 4);
  elst.content.writeBigUInt64BE(BigInt(inMovie), 8);
  elst.content.writeBigInt64BE(BigInt(units.lead), 16);
  elst.content.writeUInt32BE(0x10000, 24);
}

/** Ticks a second of `mvhd` and `mdhd`, behind two dates of 4 or, in version 1, 8 bytes. */
function readClock({ content }: Box): number {
  return content.readUInt32BE(content[0] === 1 ? 20 : 12);
}

function writeTime(box: Box, value: number, at: number, atVersion1: number): void {
  box.content = Buffer.from(box.content);
  if (box.content[0] === 1) box.content.writeBigUInt64BE(BigInt(value), atVersion1);
  else box.content.writeUInt32BE(value, at);
}
