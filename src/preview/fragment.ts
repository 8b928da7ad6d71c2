import { requireBox, findBox, parseBoxes, serializeBoxes, torn, type Box } from '../encode/mov-boxes.ts';

/** One frame of a segment's file. Times in units of the track's clock. */
interface Sample {
  readonly data: Buffer;
  readonly duration: number;
  /** Showing after decoding. */
  readonly offset: number;
  readonly isSync: boolean;
}

/**
 * Makes a fragment (`moof` and `mdat`, ISO/IEC 14496-12) of a segment's QuickTime file, as HLS and Media Source Extensions take it.
 *
 * @param movie - The whole file, one video track
 * @param start - When its first frame is decoded, in units of the track's clock
 * @param end - When the next fragment starts: how long the last frame is shown
 */
export function makeFragment(movie: Buffer, { start, end }: { start: number; end: number }): Buffer {
  const samples = fitLast(readSamples(movie), end - start);
  const build = (dataOffset: number): Buffer =>
    serializeBoxes([
      parent('moof', [
        leaf('mfhd', u32(0), u32(1)),
        parent('traf', [
          // Offsets count from the fragment.
          leaf('tfhd', u32(0x020000), u32(1)),
          leaf('tfdt', u32(0x01000000), u64(start)),
          leaf('trun', ...describeRun(samples, dataOffset)),
        ]),
      ]),
    ]);
  const moof = build(build(0).length + 8);
  const bytes = samples.reduce((sum, { data }) => sum + data.length, 0);
  return Buffer.concat([moof, u32(bytes + 8), Buffer.from('mdat'), ...samples.map(({ data }) => data)]);
}

/** A fragment that ffmpeg wrote, with its clock set forward by `ticks`. */
export function shiftFragments(fragments: Buffer, ticks: number): Buffer {
  return Buffer.concat(
    splitBoxes(fragments).map(({ type, bytes }) => {
      if (type !== 'moof') return bytes;
      const shifted = Buffer.from(bytes);
      const at = shifted.indexOf('tfdt') + 4;
      if (at < 4) throw torn();
      if (shifted[at] === 1)
        shifted.writeBigUInt64BE(shifted.readBigUInt64BE(at + 4) + BigInt(ticks), at + 4);
      else shifted.writeUInt32BE(shifted.readUInt32BE(at + 4) + ticks, at + 4);
      return shifted;
    }),
  );
}

/** Takes a fragmented file apart: what players need first, and the fragments themselves. */
export function splitInit(file: Buffer): { init: Buffer; fragments: Buffer } {
  const boxes = splitBoxes(file);
  const pick = (types: readonly string[]): Buffer =>
    Buffer.concat(boxes.filter(({ type }) => types.includes(type)).map(({ bytes }) => bytes));
  return { init: pick(['ftyp', 'moov']), fragments: pick(['moof', 'mdat']) };
}

/** What the decoder is told before the first frame (`avcC` of ISO/IEC 14496-15), of a whole movie or of an init segment. */
export function readDecoderConfiguration(movie: Buffer): Buffer {
  const at = movie.indexOf('avcC');
  if (at < 4) throw torn();
  return movie.subarray(at + 4, at + movie.readUInt32BE(at - 4) - 4);
}

/** `avc1.42C028`, as playlists and Media Source Extensions name the codec (RFC 6381). */
export function nameCodec(configuration: Buffer): string {
  return `avc1.${configuration.subarray(1, 4).toString('hex').toUpperCase()}`;
}

function fitLast(samples: readonly Sample[], length: number): Sample[] {
  const before = samples.slice(0, -1).reduce((sum, { duration }) => sum + duration, 0);
  return samples.map((sample, i) =>
    i === samples.length - 1 ? { ...sample, duration: Math.max(1, length - before) } : sample,
  );
}

function readSamples(movie: Buffer): Sample[] {
  const moov = splitBoxes(movie).find(({ type }) => type === 'moov');
  if (moov === undefined) throw torn();
  const table = requireBox(parseBoxes(moov.bytes), 'moov', 'trak', 'mdia', 'minf', 'stbl').children ?? [];
  const sizes = readSizes(requireBox(table, 'stsz').content);
  const durations = readRuns(requireBox(table, 'stts').content);
  const ctts = findBox(table, 'ctts');
  const offsets = ctts === null ? [] : readRuns(ctts.content);
  const stss = findBox(table, 'stss');
  const sync = stss === null ? null : new Set(readList(stss.content, 8, 4));
  const places = readPlaces(table, sizes);
  return sizes.map((size, i) => ({
    data: movie.subarray(places[i], (places[i] ?? 0) + size),
    duration: durations[i] ?? 0,
    offset: offsets[i] ?? 0,
    isSync: sync === null || sync.has(i + 1),
  }));
}

function readSizes(content: Buffer): number[] {
  const one = content.readUInt32BE(4);
  if (one === 0) return readList(content, 12, 4);
  return Array.from({ length: content.readUInt32BE(8) }, () => one);
}

/** Where each sample lies: chunks hold several, one after another. */
function readPlaces(table: readonly Box[], sizes: readonly number[]): number[] {
  const wide = findBox(table, 'co64');
  const chunks =
    wide === null ? readList(requireBox(table, 'stco').content, 8, 4) : readList(wide.content, 8, 8);
  const runs = requireBox(table, 'stsc').content;
  const places: number[] = [];
  for (let run = 0; run < runs.readUInt32BE(4); run++) {
    const at = 8 + run * 12;
    const first = runs.readUInt32BE(at) - 1;
    const until = at + 12 < runs.length ? runs.readUInt32BE(at + 12) - 1 : chunks.length;
    for (const chunk of chunks.slice(first, until)) {
      let place = chunk;
      for (let i = 0; i < runs.readUInt32BE(at + 4); i++) {
        places.push(place);
        place += sizes[places.length - 1] ?? 0;
      }
    }
  }
  return places;
}

function readRuns(content: Buffer): number[] {
  const values: number[] = [];
  for (let run = 0; run < content.readUInt32BE(4); run++) {
    const at = 8 + run * 8;
    const value = content.readInt32BE(at + 4);
    for (let count = content.readUInt32BE(at); count > 0; count--) values.push(value);
  }
  return values;
}

function readList(content: Buffer, at: number, width: 4 | 8): number[] {
  const values: number[] = [];
  for (let place = at; place + width <= content.length; place += width) {
    values.push(width === 4 ? content.readUInt32BE(place) : Number(content.readBigUInt64BE(place)));
  }
  return values;
}

/** Duration, size, flags and offset of each sample. */
function describeRun(samples: readonly Sample[], dataOffset: number): Buffer[] {
  const NON_SYNC = 0x01010000;
  const SYNC = 0x02000000;
  return [
    u32(0x01000f01),
    u32(samples.length),
    u32(dataOffset),
    ...samples.flatMap(({ data, duration, offset, isSync }) => [
      u32(duration),
      u32(data.length),
      u32(isSync ? SYNC : NON_SYNC),
      i32(offset),
    ]),
  ];
}

function splitBoxes(data: Buffer): { type: string; bytes: Buffer }[] {
  const boxes: { type: string; bytes: Buffer }[] = [];
  for (let at = 0; at + 8 <= data.length;) {
    const short = data.readUInt32BE(at);
    const size = short === 1 ? Number(data.readBigUInt64BE(at + 8)) : short;
    if (size < 8 || at + size > data.length) throw torn();
    boxes.push({ type: data.toString('latin1', at + 4, at + 8), bytes: data.subarray(at, at + size) });
    at += size;
  }
  return boxes;
}

function leaf(type: string, ...parts: readonly Buffer[]): Box {
  return { type, content: Buffer.concat(parts), children: null };
}

function parent(type: string, children: Box[]): Box {
  return { type, content: Buffer.alloc(0), children };
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
