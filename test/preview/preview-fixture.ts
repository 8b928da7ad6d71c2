import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { resolveUpscaleOptions, type UpscaleRequest } from '../../src/config/resolve-options.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Preview } from '../../src/preview/preview.ts';
import { startServer, type PreviewServer } from '../../src/preview/server.ts';
import { tools } from '../pipeline/clip-fixture.ts';
import { readNumber } from './numbered-clip.ts';

export interface RunningPreview {
  readonly preview: Preview;
  readonly server: PreviewServer;
  /** Without a slash at the end. */
  readonly base: string;
  close(): Promise<void>;
}

/** A preview that is served on a free port. */
export async function servePreview(
  input: string,
  request: UpscaleRequest = {},
  { host = '127.0.0.1', cacheBytes = 1e9 } = {},
): Promise<RunningPreview> {
  const upscale = resolveUpscaleOptions({ ffmpeg: tools.ffmpeg, ...request });
  const preview = await Preview.open(input, { upscale, cacheBytes, logger: silentLogger });
  const server = await startServer(preview, { host, port: 0, logger: silentLogger });
  return {
    preview,
    server,
    base: new URL(server.pageUrl).origin,
    close: async () => {
      await server.close();
      await preview.close();
    },
  };
}

export interface ReadFrames {
  /** The numbers that the frames show. */
  readonly numbers: readonly number[];
  /** Seconds of every frame. */
  readonly times: readonly number[];
}

/** Plays a playlist to its end with ffmpeg, as any player would. */
export async function playWithFfmpeg(url: string): Promise<ReadFrames> {
  const passthrough = [tools.features.fpsMode ? '-fps_mode' : '-vsync', 'passthrough'];
  const output = ['-map', '0:v:0', '-vf', 'crop=iw:2:0:ih/8,scale=160:2:flags=area', ...passthrough];
  const run = async (...args: string[]): Promise<Buffer> => {
    const { stdout } = await promisify(execFile)(
      tools.ffmpeg,
      ['-v', 'error', '-copyts', '-i', url, ...output, ...args, '-'],
      { encoding: 'buffer', maxBuffer: 1 << 28 },
    );
    return stdout;
  };
  const pixels = await run('-pix_fmt', 'gray', '-f', 'rawvideo');
  const hashes = (await run('-pix_fmt', 'gray', '-f', 'framecrc')).toString();
  const [, num, den] = /^#tb 0: (\d+)\/(\d+)/m.exec(hashes) ?? [];
  const rows = hashes.split('\n').filter((line) => line.startsWith('0,'));
  return {
    numbers: Array.from({ length: pixels.length / 320 }, (_, i) =>
      readNumber(pixels.subarray(i * 320, i * 320 + 160)),
    ),
    times: rows.map((row) => (Number(row.split(',')[2]) * Number(num)) / Number(den)),
  };
}

/** What ffprobe finds at an address; not in the way of a server in this process. */
export async function probeStreams(
  url: string,
): Promise<{ codec_type: string; width?: number; height?: number }[]> {
  const { stdout } = await promisify(execFile)(tools.ffprobe, [
    '-v',
    'error',
    '-show_streams',
    '-of',
    'json',
    url,
  ]);
  return (JSON.parse(stdout) as { streams: { codec_type: string; width?: number; height?: number }[] })
    .streams;
}

/** Samples of the first channel of a stream's sound, decoded. */
export async function readSamples(url: string): Promise<Int16Array> {
  const { stdout } = await promisify(execFile)(
    tools.ffmpeg,
    ['-v', 'error', '-i', url, '-map', '0:a:0', '-af', 'pan=mono|c0=c0', '-f', 's16le', '-'],
    { encoding: 'buffer', maxBuffer: 1 << 28 },
  );
  return new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length / 2);
}

/** Processes that this process started and that still run. */
export async function listChildren(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['--ppid', String(process.pid), '-o', 'comm=']);
  return stdout.split('\n').filter((name) => /ffmpeg|ffprobe/.test(name));
}
