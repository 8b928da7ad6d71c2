import { throwIfAborted } from '../core/errors.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { ReadOptions } from './read-packets.ts';

/** Pictures of one video stream, turned upright, brought to one small size and to `yuv444p` of 8 bits. */
export interface PictureSource {
  readonly path: string;
  readonly inputOptions: readonly string[];
  readonly streamIndex: number;
  /** Matrix and range that the decoded frames are in, as ffmpeg's `scale` names them; null leaves it to ffmpeg. */
  readonly matrix: string | null;
  readonly range: 'tv' | 'pc';
}

export interface PictureOptions extends ReadOptions {
  readonly width: number;
  readonly height: number;
  /** Matrix of the pictures that come out, range is limited. */
  readonly matrix: string | null;
  /** Seconds from the file's start from where frames are wanted; whole file when left out. */
  readonly from?: number | undefined;
  readonly most?: number | undefined;
}

/** A run through a file's pictures. `frames` gives three planes, one after the other; each buffer is the reader's own. */
export interface PictureRun {
  frames(): AsyncGenerator<Uint8Array>;
  /** What the decoder complained of; whole once `frames` has ended. */
  readonly complaints: readonly string[];
}

export function readPictures(source: PictureSource, options: PictureOptions): PictureRun {
  const complaints: string[] = [];
  return { complaints, frames: () => decode(source, options, complaints) };
}

async function* decode(
  source: PictureSource,
  options: PictureOptions,
  complaints: string[],
): AsyncGenerator<Uint8Array> {
  const { tools, signal, logger } = options;
  throwIfAborted(signal);
  const child = startProcess(tools.ffmpeg, buildPictureArguments(source, options), {
    label: 'pictures',
    stdin: 'ignore',
    stdout: 'pipe',
    signal,
    logger,
    onStderrLine: (line) => {
      if (complaints.length < 20) complaints.push(line);
    },
  });
  try {
    let frame = new Uint8Array(3 * options.width * options.height);
    let filled = 0;
    for await (const chunk of (child.stdout ?? []) as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + frame.length - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === frame.length) {
          yield frame;
          frame = new Uint8Array(frame.length);
          filled = 0;
        }
      }
    }
    await child.exited;
    throwIfAborted(signal);
  } finally {
    await child.stop();
  }
}

/** Names that `scale` knows a matrix by. */
const MATRICES: Readonly<Record<string, string>> = {
  bt709: 'bt709',
  bt470bg: 'bt601',
  smpte170m: 'bt601',
  fcc: 'fcc',
  smpte240m: 'smpte240m',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
};

/** ffmpeg's `scale` name of a matrix in H.273's words; null for what it cannot convert. */
export function scaleMatrix(matrix: string): string | null {
  return MATRICES[matrix] ?? null;
}

function buildPictureArguments(source: PictureSource, options: PictureOptions): string[] {
  const { width, height, matrix, from, most, tools } = options;
  const matrices =
    source.matrix === null || matrix === null
      ? ''
      : `:in_color_matrix=${source.matrix}:out_color_matrix=${matrix}`;
  return buildArguments({
    global: ['-v', 'error'],
    inputs: [
      {
        path: source.path,
        options: [...(from === undefined ? [] : ['-ss', from.toFixed(6)]), ...source.inputOptions],
      },
    ],
    outputs: [
      {
        path: 'pipe:1',
        options: [
          ...['-map', `0:${String(source.streamIndex)}`],
          '-vf',
          `scale=${String(width)}:${String(height)}:flags=area+accurate_rnd:in_range=${source.range}:out_range=tv${matrices},format=yuv444p`,
          ...keepFrameTimes(tools),
          ...(most === undefined ? [] : ['-frames:v', String(most)]),
          ...['-c:v', 'rawvideo', '-f', 'rawvideo'],
        ],
      },
    ],
  });
}
