import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { frameBytes, PIXEL_FORMATS, pixelFormat } from '../../src/core/pixel-format.ts';
import { rescale, type Rational } from '../../src/core/rational.ts';
import { StreamCutShort } from '../../src/ffmpeg/byte-source.ts';
import { buildArguments } from '../../src/ffmpeg/command.ts';
import { FILE_ID } from '../../src/ffmpeg/nut-format.ts';
import { NutReader } from '../../src/ffmpeg/nut-reader.ts';
import { nutTag, NutWriter } from '../../src/ffmpeg/nut-writer.ts';
import { keepFrameTimes } from '../../src/ffmpeg/passthrough.ts';
import { startProcess } from '../../src/ffmpeg/process.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { findToolSets } from './tool-sets.ts';

const TOOL_SETS = await findToolSets();

/** Sends frames through ffmpeg (NUT in, NUT out) and gives back what came out. */
async function passThrough(
  tools: FfmpegTools,
  o: { format: string; width: number; height: number; timeBase: Rational; pts: number[] },
): Promise<{ pts: number; hash: string }[]> {
  const format = pixelFormat(o.format);
  const size = frameBytes(format, o.width, o.height);
  const { num, den } = o.timeBase;
  const child = startProcess(
    tools.ffmpeg,
    buildArguments({
      global: ['-v', 'error'],
      inputs: [{ path: 'pipe:0', options: ['-f', 'nut'] }],
      outputs: [
        {
          path: 'pipe:1',
          options: [
            ...keepFrameTimes(tools),
            '-enc_time_base',
            `${num}/${den}`,
            '-c:v',
            'rawvideo',
            '-pix_fmt',
            o.format,
            '-f',
            'nut',
          ],
        },
      ],
    }),
    { label: 'test', stdin: 'pipe', stdout: 'pipe' },
  );
  if (child.stdin === null || child.stdout === null) throw new Error('no pipes');
  const writer = new NutWriter(child.stdin, { ...o, format });
  const writing = (async () => {
    await writer.writeHeader();
    for (const [i, pts] of o.pts.entries()) await writer.writeFrame(pts, makeFrame(size, i, format.bits));
    await writer.end();
  })();
  const reader = new NutReader(child.stdout);
  const header = await reader.readHeader();
  expect(header).toMatchObject({ width: o.width, height: o.height, fourcc: nutTag(format) });
  const out: { pts: number; hash: string }[] = [];
  for (let frame = await reader.nextFrame(); frame !== null; frame = await reader.nextFrame()) {
    expect(frame.size).toBe(size);
    const data = new Uint8Array(size);
    await reader.readFrame(data);
    // ffmpeg's muxer refines the time base by a whole factor.
    const pts = rescale(frame.pts, header.timeBase, o.timeBase);
    expect(rescale(pts, o.timeBase, header.timeBase)).toBe(frame.pts);
    out.push({ pts, hash: hash(data) });
  }
  await writing;
  expect((await child.exited).code).toBe(0);
  return out;
}

function makeFrame(size: number, index: number, bits: number): Uint8Array {
  const data = new Uint8Array(size);
  for (let i = 0; i < size; i++) data[i] = (i * 31 + index * 7) & 255;
  if (bits > 8) for (let i = 1; i < size; i += 2) data[i] = Number(data[i]) & (2 ** (bits - 8) - 1);
  return data;
}

function hash(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

describe.each(TOOL_SETS)('NUT through ffmpeg %s', (_name, tools) => {
  it.each([...PIXEL_FORMATS.keys()])('carries %s in both directions', async (format) => {
    const pts = [0, 1, 3];
    const shape = { format, width: 22, height: 14, timeBase: { num: 1, den: 25 }, pts };
    const { bits, ...rest } = pixelFormat(format);
    const size = frameBytes({ bits, ...rest }, 22, 14);
    const expected = pts.map((time, i) => ({ pts: time, hash: hash(makeFrame(size, i, bits)) }));
    expect(await passThrough(tools, shape)).toEqual(expected);
  });

  it.each([
    [{ num: 1, den: 50 }],
    [{ num: 1001, den: 30000 }],
    [{ num: 1, den: 90000 }],
    [{ num: 33333, den: 1000000 }],
    [{ num: 1, den: 1200000 }],
  ])('keeps uneven times in time base %j', async (timeBase) => {
    const pts = [0, 2, 3, 7, 300, 301, 40_000, 3_000_000, 3_000_001];
    const out = await passThrough(tools, { format: 'yuv420p', width: 16, height: 16, timeBase, pts });
    expect(out.map((frame) => frame.pts)).toEqual(pts);
  });

  it('keeps every frame when times repeat, in order', async () => {
    const pts = [0, 5, 5, 5, 9];
    const shape = { format: 'yuv420p', width: 16, height: 16, timeBase: { num: 1, den: 90000 }, pts };
    const out = await passThrough(tools, shape);
    expect(out).toHaveLength(pts.length);
    expect(out.map((frame) => frame.pts)).toEqual([0, 5, 6, 7, 9]);
  });

  it('carries odd sizes and frames of many megabytes', async () => {
    for (const [width, height] of [
      [321, 241],
      [8192, 5600],
    ] as const) {
      const out = await passThrough(tools, {
        format: 'yuv420p',
        width,
        height,
        timeBase: { num: 1, den: 25 },
        pts: [0, 1],
      });
      const size = frameBytes(pixelFormat('yuv420p'), width, height);
      expect(out.map((frame) => frame.hash)).toEqual([0, 1].map((i) => hash(makeFrame(size, i, 8))));
    }
  });
});

describe('NutReader', () => {
  const shape = { format: pixelFormat('gray'), width: 8, height: 8, timeBase: { num: 1, den: 25 } };

  async function writeFrames(count: number): Promise<Buffer> {
    const stream = new PassThrough();
    const writer = new NutWriter(stream, shape);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await writer.writeHeader();
    for (let i = 0; i < count; i++) await writer.writeFrame(i, new Uint8Array(64).fill(i));
    await writer.end();
    return Buffer.concat(chunks);
  }

  async function readFrames(data: Buffer, chunkSize: number): Promise<number[]> {
    const chunks = Array.from({ length: Math.ceil(data.length / chunkSize) }, (_, i) =>
      data.subarray(i * chunkSize, (i + 1) * chunkSize),
    );
    const reader = new NutReader(Readable.from(chunks));
    await reader.readHeader();
    const values: number[] = [];
    const target = new Uint8Array(64);
    for (let frame = await reader.nextFrame(); frame !== null; frame = await reader.nextFrame()) {
      // Every other frame is passed over.
      if (frame.pts % 2 === 1) continue;
      await reader.readFrame(target);
      values.push(target[63] ?? -1);
    }
    return values;
  }

  it.each([1, 3, 64, 1000])('reads chunks of %i bytes, and skips what is not wanted', async (chunkSize) => {
    expect(await readFrames(await writeFrames(5), chunkSize)).toEqual([0, 2, 4]);
  });

  it('throws at any place where the stream is cut, but between packets', async () => {
    const whole = await writeFrames(3);
    const mainEnd = whole.indexOf('NS');
    let ends = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        await readFrames(whole.subarray(0, length), 1000);
        ends++;
      } catch (error) {
        // A stream that holds the file id alone ends before its headers.
        if (length !== FILE_ID.length && length !== mainEnd) expect(error).toBeInstanceOf(StreamCutShort);
      }
    }
    // After the headers, after each syncpoint, and after each frame but the last.
    expect(ends).toBe(6);
  });

  it('refuses a stream that is no NUT, and a target of another size', async () => {
    await expect(new NutReader(Readable.from([Buffer.alloc(100)])).readHeader()).rejects.toThrow(/broken/);
    const reader = new NutReader(Readable.from([await writeFrames(1)]));
    await reader.readHeader();
    await reader.nextFrame();
    await expect(reader.readFrame(new Uint8Array(32))).rejects.toThrow(/expected/);
  });
});
