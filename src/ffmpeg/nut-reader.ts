import type { Readable } from 'node:stream';
import { UpscaleError } from '../core/errors.ts';
import { rational, rescale, type Rational } from '../core/rational.ts';
import { ByteSource } from './byte-source.ts';
import { FILE_ID, FLAGS, HEADER_CHECKSUM_ABOVE, START_CODES } from './nut-format.ts';

export interface NutVideoHeader {
  readonly fourcc: Buffer;
  readonly width: number;
  readonly height: number;
  readonly timeBase: Rational;
}

interface FrameCode {
  readonly flags: number;
  readonly streamId: number;
  readonly ptsDelta: number;
  readonly sizeMultiplier: number;
  readonly sizeLsb: number;
  readonly reserved: number;
  readonly headerIndex: number;
}

/**
 * Reads one raw video stream as ffmpeg's NUT muxer writes it into a pipe. Pull: nothing is read before it is asked for, so a slow
 * consumer stops ffmpeg. A stream that ends inside a packet throws `DECODER_FAILED`; the process's own exit says why.
 */
export class NutReader {
  readonly #source: ByteSource;
  #codes: FrameCode[] = [];
  #timeBases: Rational[] = [];
  #elision: Buffer[] = [];
  #video: (NutVideoHeader & { readonly msbShift: number }) | null = null;
  #lastPts = 0;
  #pendingBytes = 0;
  /** First byte of a frame that was met while looking for headers. */
  #heldCode: number | null = null;

  constructor(stream: Readable) {
    this.#source = new ByteSource(stream);
  }

  /** Reads up to the first frame. Throws when the stream ends before; then no frame was decoded. */
  async readHeader(): Promise<NutVideoHeader> {
    const id = await this.#source.take(FILE_ID.length);
    if (!id.equals(FILE_ID)) throw broken('the file id is missing');
    this.#heldCode = await this.#readPackets();
    if (this.#video === null) throw broken('there is no stream header');
    return this.#video;
  }

  /** The next frame's header, or null at the stream's end. What was not read of the frame before is skipped. */
  async nextFrame(): Promise<{ pts: number; size: number } | null> {
    await this.skipFrame();
    const code = this.#heldCode ?? (await this.#readPackets());
    this.#heldCode = null;
    return code === null ? null : this.#readFrameHeader(code);
  }

  /** Reads the frame's bytes into `target`, whose length must be the frame's size. */
  async readFrame(target: Uint8Array): Promise<void> {
    if (target.length !== this.#pendingBytes) {
      throw broken(`a frame has ${this.#pendingBytes} bytes where ${target.length} were expected`);
    }
    await this.#source.read(target);
    this.#pendingBytes = 0;
  }

  async skipFrame(): Promise<void> {
    if (this.#pendingBytes > 0) await this.#source.skip(this.#pendingBytes);
    this.#pendingBytes = 0;
  }

  /** Reads packets that are no frames; returns the first byte of a frame, or null at the end. */
  async #readPackets(): Promise<number | null> {
    for (;;) {
      const first = await this.#source.byteOrEnd();
      if (first === null) return null;
      if (first !== 0x4e) return first;
      const rest = await this.#source.take(7);
      const code =
        (BigInt(first) << 56n) | (BigInt(rest.readUIntBE(0, 1)) << 48n) | BigInt(rest.readUIntBE(1, 6));
      const length = await this.#source.variable();
      if (length > HEADER_CHECKSUM_ABOVE) await this.#source.skip(4);
      if (code === START_CODES.index || code === START_CODES.info) {
        await this.#source.skip(length);
        continue;
      }
      const body = new Cursor(await this.#source.take(length));
      if (code === START_CODES.main) this.#readMain(body);
      else if (code === START_CODES.stream) this.#readStream(body);
      else if (code === START_CODES.syncpoint) this.#readSyncpoint(body);
      else throw broken('an unknown packet');
    }
  }

  #readMain(body: Cursor): void {
    const version = body.variable();
    if (version > 3) body.variable();
    body.variable(); // stream count
    body.variable(); // max distance
    this.#timeBases = Array.from({ length: body.variable() }, () =>
      rational(body.variable(), body.variable()),
    );
    this.#codes = readFrameCodes(body);
    this.#elision = [Buffer.alloc(0)];
    const headers = body.variable();
    for (let i = 0; i < headers; i++) this.#elision.push(body.bytes());
  }

  #readStream(body: Cursor): void {
    body.variable(); // stream id
    if (body.variable() !== 0) throw broken('the stream is no video');
    const fourcc = body.bytes();
    const timeBase = this.#timeBases[body.variable()];
    if (timeBase === undefined) throw broken('a time base is missing');
    const msbShift = body.variable();
    body.variable(); // max pts distance
    body.variable(); // decode delay
    body.variable(); // flags
    body.bytes(); // codec specific data
    this.#video = { fourcc, timeBase, msbShift, width: body.variable(), height: body.variable() };
  }

  #readSyncpoint(body: Cursor): void {
    const coded = body.variable();
    const from = this.#timeBases[coded % this.#timeBases.length];
    if (from === undefined || this.#video === null) throw broken('a syncpoint stands before the headers');
    const pts = Math.floor(coded / this.#timeBases.length);
    // One stream has one time base; with several the format rounds down, which a rescale to nearest would not.
    this.#lastPts = from === this.#video.timeBase ? pts : rescale(pts, from, this.#video.timeBase);
  }

  async #readFrameHeader(codeByte: number): Promise<{ pts: number; size: number }> {
    const code = this.#codes[codeByte];
    const video = this.#video;
    if (code === undefined || video === null) throw broken('a frame stands before the headers');
    const source = this.#source;
    let { flags, headerIndex, reserved } = code;
    if (flags & FLAGS.invalid) throw broken('an invalid frame code');
    if (flags & FLAGS.coded) flags ^= await source.variable();
    if (flags & FLAGS.streamId) await source.variable();
    let pts = this.#lastPts + code.ptsDelta;
    if (flags & FLAGS.codedPts) pts = decodePts(await source.variable(), video.msbShift, this.#lastPts);
    let size = code.sizeLsb;
    if (flags & FLAGS.sizeMsb) size += code.sizeMultiplier * (await source.variable());
    if (flags & FLAGS.matchTime) await source.variable();
    if (flags & FLAGS.headerIndex) headerIndex = await source.variable();
    if (flags & FLAGS.reserved) reserved = await source.variable();
    for (let i = 0; i < reserved; i++) await source.variable();
    if (flags & FLAGS.checksum) await source.skip(4);
    if (flags & FLAGS.sideData) throw broken('side data in a raw frame');
    if ((this.#elision[headerIndex]?.length ?? 0) > 0) throw broken('an elided header in a raw frame');
    this.#lastPts = pts;
    this.#pendingBytes = size;
    return { pts, size };
  }
}

function readFrameCodes(body: Cursor): FrameCode[] {
  const codes: FrameCode[] = [];
  let ptsDelta = 0;
  let sizeMultiplier = 1;
  let streamId = 0;
  let headerIndex = 0;
  while (codes.length < 256) {
    const flags = body.variable();
    const fields = body.variable();
    if (fields > 0) ptsDelta = body.signed();
    if (fields > 1) sizeMultiplier = body.variable();
    if (fields > 2) streamId = body.variable();
    const sizeLsb = fields > 3 ? body.variable() : 0;
    const reserved = fields > 4 ? body.variable() : 0;
    const count = fields > 5 ? body.variable() : sizeMultiplier - sizeLsb;
    if (fields > 6) body.signed(); // match time delta
    if (fields > 7) headerIndex = body.variable();
    for (let i = 8; i < fields; i++) body.variable();
    for (let j = 0; j < count && codes.length < 256; j++) {
      if (codes.length === 0x4e) {
        codes.push({
          flags: FLAGS.invalid,
          streamId: 0,
          ptsDelta: 0,
          sizeMultiplier: 1,
          sizeLsb: 0,
          reserved: 0,
          headerIndex: 0,
        });
        j--;
        continue;
      }
      codes.push({ flags, streamId, ptsDelta, sizeMultiplier, sizeLsb: sizeLsb + j, reserved, headerIndex });
    }
  }
  return codes;
}

/** A time is written whole, or as its low bits next to the last one. */
function decodePts(coded: number, msbShift: number, lastPts: number): number {
  const range = 2 ** msbShift;
  if (coded >= range) return coded - range;
  const delta = lastPts - Math.floor((range - 1) / 2);
  const low = (((coded - delta) % range) + range) % range;
  return low + delta;
}

/** Reads the fields of a packet that is in memory. */
class Cursor {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  variable(): number {
    let value = 0;
    for (;;) {
      const byte = this.#data[this.#at++];
      if (byte === undefined) throw broken('a packet is cut short');
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.variable() + 1;
    return value % 2 === 1 ? -Math.floor(value / 2) : value / 2;
  }

  bytes(): Buffer {
    const length = this.variable();
    const value = this.#data.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
}

function broken(what: string): UpscaleError {
  return new UpscaleError('DECODER_FAILED', `The decoder's stream is broken: ${what}.`);
}
