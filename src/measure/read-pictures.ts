import { throwIfAborted } from '../core/errors.ts';
import { toNumber, type Rational } from '../core/rational.ts';
import { readComplaint } from '../decode/decoder-complaints.ts';
import { buildDecoderArguments, timestampOffset } from '../decode/decoder-arguments.ts';
import { NutReader } from '../ffmpeg/nut-reader.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { ReadOptions } from './read-packets.ts';

/** Pictures of one video stream, turned upright, brought to one small size and to `yuv444p` of 8 bits. */
export interface PictureSource {
  readonly path: string;
  readonly inputOptions: readonly string[];
  readonly streamIndex: number;
  readonly timeBase: Rational;
  /** Times are those of the file, or counted by ffmpeg where the file's clock jumps. */
  readonly copyTimestamps: boolean;
  /** Matrix and range that the decoded frames are in, as ffmpeg's `scale` names them; null leaves it to ffmpeg. */
  readonly matrix: string | null;
  readonly range: 'tv' | 'pc';
}

export interface PictureOptions extends ReadOptions {
  readonly width: number;
  readonly height: number;
  /** Matrix of the pictures that come out; their range is limited. */
  readonly matrix: string | null;
  /** Seconds on the file's clock: frames before it are left out. From the first frame when it is not given. */
  readonly from?: number | undefined;
  /** Time of a key frame to enter at, where it is not the one before `from`. */
  readonly enterAt?: number | undefined;
  readonly most?: number | undefined;
}

export interface Picture {
  /** Seconds on the file's clock. */
  readonly time: number;
  /** Three planes, one after the other; the receiver's own. */
  readonly samples: Uint8Array;
}

/** A run through a file's pictures. */
export interface PictureRun {
  frames(): AsyncGenerator<Picture>;
  /** What the decoder complained of; whole once `frames` has ended. */
  readonly complaints: readonly string[];
}

const MOST_COMPLAINTS = 20;

export function readPictures(source: PictureSource, options: PictureOptions): PictureRun {
  const complaints: string[] = [];
  return { complaints, frames: () => decode(source, options, complaints) };
}

async function* decode(
  source: PictureSource,
  options: PictureOptions,
  complaints: string[],
): AsyncGenerator<Picture> {
  const { tools, signal, logger, from = -Infinity, most = Infinity } = options;
  throwIfAborted(signal);
  const child = startProcess(tools.ffmpeg, buildPictureArguments(source, options), {
    label: 'pictures',
    stdin: 'ignore',
    stdout: 'pipe',
    signal,
    logger,
    onStderrLine: (line) => {
      const complaint = readComplaint(line, source.streamIndex);
      if (complaint !== null && complaints.length < MOST_COMPLAINTS) complaints.push(complaint);
    },
  });
  try {
    if (child.stdout === null) return;
    const nut = new NutReader(child.stdout);
    const { timeBase } = await nut.readHeader();
    const shift = timestampOffset(source.timeBase).seconds;
    for (let count = 0; count < most;) {
      const frame = await nut.nextFrame();
      if (frame === null) break;
      const time = frame.pts * toNumber(timeBase) - shift;
      if (time < from) continue;
      const samples = new Uint8Array(frame.size);
      await nut.readFrame(samples);
      count++;
      yield { time, samples };
    }
  } catch (error) {
    // A stream that breaks off ends here; how many frames came says the rest.
    throwIfAborted(signal);
    complaints.push(error instanceof Error ? error.message : String(error));
  } finally {
    await child.stop();
  }
}

function buildPictureArguments(source: PictureSource, options: PictureOptions): string[] {
  const { width, height, matrix, from, enterAt = from, tools } = options;
  const matrices =
    source.matrix === null || matrix === null
      ? ''
      : `:in_color_matrix=${source.matrix}:out_color_matrix=${matrix}`;
  const scale = `scale=${String(width)}:${String(height)}:flags=area+accurate_rnd`;
  return buildDecoderArguments(
    {
      path: source.path,
      inputOptions: [...source.inputOptions],
      streamIndex: source.streamIndex,
      decoder: null,
      filters: [`${scale}:in_range=${source.range}:out_range=tv${matrices}`, 'format=yuv444p'],
      format: 'yuv444p',
      width,
      height,
      timeBase: source.timeBase,
      framesPerInput: 1,
      seek: from === undefined ? 'start' : 'keyframe',
      copyTimestamps: source.copyTimestamps,
      clockStreams: [],
      filterMargin: 0,
      threads: 0,
    },
    from === undefined || enterAt === undefined
      ? null
      : Math.floor(enterAt / toNumber(source.timeBase) + 1e-6),
    tools,
  );
}
