import { open, type FileHandle } from 'node:fs/promises';
import type { Color } from '../core/color.ts';
import { findBox, parseBoxes, requireBox, serializeBoxes, type Box } from './mov-boxes.ts';

export interface MovieFacts {
  /** Ticks a second of the video track. */
  readonly clock: number;
  /** Ticks between the movie's start and the first frame. */
  readonly start: number;
  /** Ticks from the first frame to the end of the last. */
  readonly length: number;
  readonly color: Color;
}

/** Codes of ITU-T H.273 for what ffmpeg's muxers may write. */
const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  film: 8,
  bt2020: 9,
  smpte428: 10,
  smpte431: 11,
  smpte432: 12,
};
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  gamma22: 4,
  bt470bg: 5,
  gamma28: 5,
  smpte170m: 6,
  smpte240m: 7,
  linear: 8,
  'iec61966-2-4': 11,
  'iec61966-2-1': 13,
  'bt2020-10': 14,
  'bt2020-12': 15,
  smpte2084: 16,
  'arib-std-b67': 18,
};
const MATRICES: Readonly<Record<string, number>> = {
  gbr: 0,
  bt709: 1,
  fcc: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  bt2020nc: 9,
  bt2020c: 10,
};

/**
 * Sets right in a finished MP4 or QuickTime file what ffmpeg's muxer cannot be told, without moving a byte:
 *
 * - The movie's clock. In milliseconds, which older versions always write, a start such as 1001/30000 s is off by up to half of one.
 * - The end of the video. Of reordered frames the muxer knows no durations, and ends the track too early.
 * - The colours, of which older versions write only some.
 *
 * A file whose index is not as expected is left as it is: it plays.
 */
export async function polishMovie(path: string, facts: MovieFacts): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const found = await readIndex(file);
    if (found === null) return;
    polish(found.moov, facts, found.room);
    const bytes = serializeBoxes([found.moov]);
    const grown = bytes.length - found.size;
    if (grown === 0 || grown === found.room) await file.write(bytes, 0, bytes.length, found.offset);
  } finally {
    await file.close();
  }
}

interface MovieIndex {
  readonly offset: number;
  readonly size: number;
  readonly moov: Box;
  /** Bytes that it may grow by: ffmpeg leaves an empty box of 8 behind an index that it moved to the front. */
  readonly room: number;
}

async function readIndex(file: FileHandle): Promise<MovieIndex | null> {
  const { size: end } = await file.stat();
  const header = Buffer.alloc(16);
  for (let offset = 0; offset + 8 <= end;) {
    await file.read(header, 0, 16, offset);
    const short = header.readUInt32BE(0);
    const size = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
    if (size < 8 || offset + size > end) return null;
    if (header.toString('latin1', 4, 8) === 'moov') {
      const data = Buffer.alloc(size);
      await file.read(data, 0, size, offset);
      const moov = parseBoxes(data)[0];
      if (moov === undefined) return null;
      const next = Buffer.alloc(8);
      const { bytesRead } = await file.read(next, 0, 8, offset + size);
      const isEmpty = bytesRead === 8 && next.readUInt32BE(0) === 8 && next.toString('latin1', 4) === 'free';
      return { offset, size, moov, room: isEmpty ? 8 : 0 };
    }
    offset += size;
  }
  return null;
}

/** Exported for tests. */
export function polish(moov: Box, facts: MovieFacts, room = 0): void {
  const mvhd = requireBox([moov], 'moov', 'mvhd');
  const tracks = (moov.children ?? []).filter(({ type }) => type === 'trak');
  const video = tracks.find((track) => {
    const handler = findBox([track], 'trak', 'mdia', 'hdlr');
    return handler?.content.toString('latin1', 8, 12) === 'vide';
  });
  if (video === undefined) return;
  const old = readClock(mvhd);
  const longest = Math.max((facts.start + facts.length) / facts.clock, readDuration(mvhd, 16, 24) / old);
  // Durations have 32 bits in most files.
  const clock = longest * facts.clock < 2 ** 32 - 1 ? facts.clock : old;
  writeClock(mvhd, clock);
  let end = 0;
  for (const track of tracks) {
    const tkhd = requireBox([track], 'trak', 'tkhd');
    const elst = findBox([track], 'trak', 'edts', 'elst');
    const duration =
      track === video
        ? polishVideo(track, elst, facts, { clock, room })
        : scaleTrack(tkhd, elst, (value) => Math.round((value * clock) / old));
    writeDuration(tkhd, duration, 20, 28);
    end = Math.max(end, duration);
  }
  writeDuration(mvhd, end, 16, 24);
}

function scaleTrack(tkhd: Box, elst: Box | null, scale: (value: number) => number): number {
  for (const edit of readEdits(elst)) edit.write(scale(edit.duration));
  return scale(readDuration(tkhd, 20, 28));
}

/** Returns the track's duration on the movie's clock. */
function polishVideo(
  track: Box,
  elst: Box | null,
  facts: MovieFacts,
  { clock, room }: { clock: number; room: number },
): number {
  const scale = (ticks: number): number => Math.round((ticks * clock) / facts.clock);
  let lead = 0;
  for (const edit of readEdits(elst)) {
    edit.write(scale(edit.mediaTime === -1 ? facts.start : facts.length));
    if (edit.mediaTime !== -1) lead = edit.mediaTime;
  }
  const mdhd = requireBox([track], 'trak', 'mdia', 'mdhd');
  if (readClock(mdhd) === facts.clock && lengthenLastSample(track, lead + facts.length, room)) {
    writeDuration(mdhd, lead + facts.length, 16, 24);
  }
  polishColor(requireBox([track], 'trak', 'mdia', 'minf', 'stbl', 'stsd'), facts.color);
  return scale((elst === null ? 0 : facts.start) + facts.length);
}

/**
 * Makes all samples together `wanted` ticks long by the last one's duration; false where that cannot be. An entry of its own takes 8 bytes.
 * One run of equal durations is left as every muxer writes it.
 */
function lengthenLastSample(track: Box, wanted: number, room: number): boolean {
  const stts = requireBox([track], 'trak', 'mdia', 'minf', 'stbl', 'stts');
  const { content } = stts;
  const runs = content.readUInt32BE(4);
  const last = 8 + (runs - 1) * 8;
  let missing = wanted;
  for (let at = 8; at <= last; at += 8) missing -= content.readUInt32BE(at) * content.readUInt32BE(at + 4);
  if (missing <= 0 || runs === 0) return false;
  const count = content.readUInt32BE(last);
  if (count > 1) {
    if (runs === 1 || room < 8) return false;
    content.writeUInt32BE(count - 1, last);
    const entry = Buffer.alloc(8);
    entry.writeUInt32BE(1, 0);
    entry.writeUInt32BE(content.readUInt32BE(last + 4) + missing, 4);
    stts.content = Buffer.concat([content, entry]);
    stts.content.writeUInt32BE(runs + 1, 4);
    return true;
  }
  content.writeUInt32BE(content.readUInt32BE(last + 4) + missing, last + 4);
  return true;
}

interface Edit {
  readonly duration: number;
  /** -1: nothing is shown. */
  readonly mediaTime: number;
  write(duration: number): void;
}

function readEdits(elst: Box | null): Edit[] {
  if (elst === null) return [];
  const { content } = elst;
  const wide = content[0] === 1;
  return Array.from({ length: content.readUInt32BE(4) }, (_, i) => {
    const at = 8 + i * (wide ? 20 : 12);
    return {
      duration: wide ? Number(content.readBigUInt64BE(at)) : content.readUInt32BE(at),
      mediaTime: wide ? Number(content.readBigInt64BE(at + 8)) : content.readInt32BE(at + 4),
      write: (duration) => {
        if (wide) content.writeBigUInt64BE(BigInt(duration), at);
        else content.writeUInt32BE(duration, at);
      },
    };
  });
}

/** The `colr` box stands behind the 78 bytes that each video sample entry begins with. */
function polishColor(stsd: Box, color: Color): void {
  const { content } = stsd;
  const end = 8 + content.readUInt32BE(8);
  for (let at = 8 + 8 + 78; at + 8 <= end;) {
    const size = content.readUInt32BE(at);
    if (size < 8) return;
    const kind = content.toString('latin1', at + 8, at + 12);
    if (content.toString('latin1', at + 4, at + 8) === 'colr' && /^ncl[cx]$/.test(kind)) {
      const codes = [PRIMARIES[color.primaries], TRANSFERS[color.transfer], MATRICES[color.matrix]];
      codes.forEach((code, i) => {
        if (code !== undefined) content.writeUInt16BE(code, at + 12 + 2 * i);
      });
      if (kind === 'nclx') content.writeUInt8(color.range === 'pc' ? 0x80 : 0, at + 18);
    }
    at += size;
  }
}

function readClock({ content }: Box): number {
  return content.readUInt32BE(content[0] === 1 ? 20 : 12);
}

function writeClock({ content }: Box, clock: number): void {
  content.writeUInt32BE(clock, content[0] === 1 ? 20 : 12);
}

function readDuration({ content }: Box, at: number, atVersion1: number): number {
  return content[0] === 1 ? Number(content.readBigUInt64BE(atVersion1)) : content.readUInt32BE(at);
}

function writeDuration({ content }: Box, value: number, at: number, atVersion1: number): void {
  if (content[0] === 1) content.writeBigUInt64BE(BigInt(value), atVersion1);
  else content.writeUInt32BE(value, at);
}
