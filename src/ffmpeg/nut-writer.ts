import type { Writable } from 'node:stream';
import { UpscaleError } from '../core/errors.ts';
import type { PixelFormat } from '../core/pixel-format.ts';
import type { Rational } from '../core/rational.ts';
import { checksum, FILE_ID, FLAGS, START_CODES } from './nut-format.ts';

export interface NutWriterOptions {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  /** Of the frames' `pts`. */
  readonly timeBase: Rational;
  readonly sampleAspectRatio?: Rational;
}

const MSB_PTS_SHIFT = 7;
const MAX_DISTANCE = 32768;
/** The one frame code in use: a key frame with its time, its size and a checksum written out. */
const FRAME_CODE = 0;

/** Writes raw frames with exact times into ffmpeg's standard input, as a NUT stream of one video track. */
export class NutWriter {
  readonly #stream: Writable;
  readonly #options: NutWriterOptions;

  constructor(stream: Writable, options: NutWriterOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  async writeHeader(): Promise<void> {
    await this.#write(Buffer.concat([FILE_ID, this.#mainHeader(), this.#streamHeader()]));
  }

  /**
   * Writes one frame; `pts` in ticks, not negative, ascending. Resolves when the bytes are taken and may be overwritten, also when the
   * process is gone: its exit tells why.
   */
  async writeFrame(pts: number, data: Uint8Array): Promise<void> {
    const syncpoint = packet(START_CODES.syncpoint, Buffer.concat([variable(pts), variable(0)]));
    const header = Buffer.concat([
      Buffer.from([FRAME_CODE]),
      variable(pts + 2 ** MSB_PTS_SHIFT),
      variable(data.length),
    ]);
    void this.#write(Buffer.concat([syncpoint, header, uint32(checksum(header))]));
    await this.#write(data);
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#stream.destroyed) resolve();
      else {
        this.#stream.once('close', resolve);
        this.#stream.end(resolve);
      }
    });
  }

  #write(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.destroyed) resolve();
      else this.#stream.write(data, () => resolve());
    });
  }

  #mainHeader(): Buffer {
    const { timeBase } = this.#options;
    const flags = FLAGS.key | FLAGS.codedPts | FLAGS.sizeMsb | FLAGS.checksum;
    return packet(
      START_CODES.main,
      Buffer.concat([
        variable(3), // version
        variable(1), // streams
        variable(MAX_DISTANCE),
        variable(1), // time bases
        variable(timeBase.num),
        variable(timeBase.den),
        // One entry for all 255 codes: flags, six fields, no pts delta, size multiplier 1, stream 0, size 0, reserved 0, count.
        ...[flags, 6, 0, 1, 0, 0, 0, 255].map(variable),
        variable(0), // elision headers
        variable(0), // main flags
      ]),
    );
  }

  #streamHeader(): Buffer {
    const { format, width, height, sampleAspectRatio } = this.#options;
    const tag = nutTag(format);
    return packet(
      START_CODES.stream,
      Buffer.concat([
        variable(0), // stream id
        variable(0), // video
        variable(tag.length),
        tag,
        variable(0), // time base id
        variable(MSB_PTS_SHIFT),
        variable(1024), // max pts distance: every frame has a checksum, so it never counts
        variable(0), // decode delay
        variable(0), // flags: the rate is not fixed
        variable(0), // codec specific data
        ...[width, height, sampleAspectRatio?.num ?? 1, sampleAspectRatio?.den ?? 1, 0].map(variable),
      ]),
    );
  }
}

/** NUT's four-character code of a working pixel format (libavformat/nut.c, libavcodec/raw.c). */
export function nutTag(format: PixelFormat): Buffer {
  const named: Readonly<Record<string, string>> = {
    gray: 'Y800',
    yuv420p: 'I420',
    yuv422p: 'Y42B',
    yuv444p: '444P',
    yuv440p: '440P',
    yuv411p: 'Y41B',
    yuv410p: 'YUV9',
  };
  const name = named[format.name];
  if (name !== undefined) return Buffer.from(name, 'latin1');
  // Letter of the family, number of planes, log2 of the chroma subsampling as two digits, bits.
  const letter = format.family === 'rgb' ? 'G' : 'Y';
  const chroma = format.planes.find(({ role }) => role === 'U');
  const subsampling = (chroma?.log2Width ?? 0) * 10 + (chroma?.log2Height ?? 0);
  if (format.planes.length > 4) throw new UpscaleError('INTERNAL', `NUT has no code for ${format.name}`);
  return Buffer.from([
    letter.charCodeAt(0),
    '0'.charCodeAt(0) + format.planes.length,
    subsampling,
    format.bits,
  ]);
}

function packet(startCode: bigint, body: Buffer): Buffer {
  const start = Buffer.alloc(8);
  start.writeBigUInt64BE(startCode);
  return Buffer.concat([start, variable(body.length + 4), body, uint32(checksum(body))]);
}

function variable(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new UpscaleError('INTERNAL', `NUT cannot carry the number ${value}`);
  }
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift((rest % 128) + 128);
  }
  return Buffer.from(bytes);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
