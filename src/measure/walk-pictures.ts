import { readPixelTraits } from '../decode/pixel-traits.ts';
import { resolveColor, sourceMatrix } from '../decode/resolve-color.ts';
import { PictureComparison, type PictureSummary, type SourceFrames } from './compare-pictures.ts';
import { expectTimes } from './check-frames.ts';
import { outputVideoTimes, sourceVideoTimes, typicalStep, type Delivery } from './delivery.ts';
import { readPictures, scaleMatrix, type PictureOptions, type PictureSource } from './read-pictures.ts';
import type { ReadOptions } from './read-packets.ts';

/** What going through both files' pictures found. */
export interface PictureWalk {
  readonly summary: PictureSummary | null;
  /** Samples of the pictures compared for each pixel of the source as shown. */
  readonly samplesPerPixel: number;
  /** Frames that decoded; null where only some were looked at. */
  readonly decoded: { readonly source: number; readonly output: number } | null;
  /** Where frames were looked at, where not all were, and at how many of the places some came. */
  readonly places: { readonly tried: number; readonly decoded: number } | null;
  readonly complaints: { readonly source: readonly string[]; readonly output: readonly string[] };
}

type Walked = Pick<Delivery, 'source' | 'sourcePackets' | 'output' | 'run' | 'framesPerInput'>;

/** Pictures are compared at no more than this width; half the source's size at most, so that fields blend. */
const WIDEST = 480;
const NARROWEST = 160;
/** Frames that are looked at for position and orientation. */
const LOOKS = 12;

/** Decodes both files whole and compares every frame. */
export async function walkWhole(delivery: Walked, options: ReadOptions): Promise<PictureWalk> {
  const setting = prepare(delivery, options);
  const source = readPictures(setting.source, setting.options);
  const output = readPictures(setting.output, setting.options);
  const total = outputVideoTimes(delivery).times.length;
  const comparison = setting.start(Math.ceil(total / LOOKS));
  const map = mapFrames(delivery);
  const window = new SourceWindow(source.frames());
  let frames = 0;
  try {
    for await (const picture of output.frames()) {
      const found = await window.seek(map(frames));
      if (found !== null) comparison.add(frames, picture, found);
      frames++;
    }
    await window.drain();
  } finally {
    await window.close();
  }
  return {
    summary: comparison.finish(),
    samplesPerPixel: setting.samplesPerPixel,
    decoded: { source: window.frames, output: frames },
    places: null,
    complaints: { source: source.complaints, output: output.complaints },
  };
}

/** Frames that are compared at each place. */
const FRAMES_A_PLACE = 2;

/** Compares a few frames at the start, in the middle and near the end, where a key frame of the output makes that cheap. */
export async function walkPlaces(delivery: Walked, options: ReadOptions): Promise<PictureWalk> {
  const setting = prepare(delivery, options);
  const comparison = setting.start(1);
  const complaints = { source: [] as string[], output: [] as string[] };
  const places = choosePlaces(delivery);
  const map = mapFrames(delivery);
  const [inTimes, outTimes] = [sourceVideoTimes(delivery), outputVideoTimes(delivery)];
  const [inStep, outStep] = [typicalStep(inTimes), typicalStep(outTimes)];
  let decoded = 0;
  for (const frame of places) {
    // One frame earlier, for a neighbour to compare with.
    const first = Math.max(0, map(frame) - 1);
    const source = readPictures(setting.source, {
      ...setting.options,
      from:
        first === 0 ? undefined : placeOf(inTimes.times[first], inStep, delivery.source.container.startTime),
      most: FRAMES_A_PLACE + 2,
    });
    const output = readPictures(setting.output, {
      ...setting.options,
      from: frame === 0 ? undefined : placeOf(outTimes.times[frame], outStep, delivery.output.startTime),
      most: FRAMES_A_PLACE,
    });
    const window = new SourceWindow(source.frames());
    let shown = 0;
    try {
      for await (const picture of output.frames()) {
        const found = await window.seek(map(frame + shown) - first);
        if (found !== null) comparison.add(frame + shown, picture, found);
        shown++;
      }
    } finally {
      await window.close();
    }
    if (shown > 0) decoded++;
    complaints.source.push(...source.complaints);
    complaints.output.push(...output.complaints);
  }
  return {
    summary: comparison.finish(),
    samplesPerPixel: setting.samplesPerPixel,
    decoded: null,
    places: { tried: places.length, decoded },
    complaints,
  };
}

/** Half a frame before `time`, in seconds from the file's start, as `-ss` counts. */
function placeOf(time: number | undefined, step: number, startTime: number | null): number {
  return Math.max(0, (time ?? 0) - (startTime ?? 0) - step / 2);
}

/** Output frames to look at: the first, and key frames near the middle and the end where both files can be entered there. */
function choosePlaces(delivery: Walked): number[] {
  const { times, keys } = outputVideoTimes(delivery);
  const { source, output, run } = delivery;
  const seekable =
    !output.isSequence &&
    source.kind === 'file' &&
    run?.plan.decode.seek !== 'start' &&
    expectTimes({ ...delivery, decoded: { source: null, output: null }, pairs: [] }) !== null;
  const first = times[0];
  const last = times.at(-1);
  if (!seekable || first === undefined || last === undefined) return [0];
  const middle = keys.find((key) => key >= (first + last) / 2) ?? first;
  const end = keys.at(-1) ?? first;
  return [...new Set([first, middle, end])].map((time) => times.indexOf(time));
}

/** The number of the source's frame that an output frame was made from. */
function mapFrames(delivery: Walked): (frame: number) => number {
  const { framesPerInput } = delivery;
  const { times: input } = sourceVideoTimes(delivery);
  const { times: output } = outputVideoTimes(delivery);
  if (input.length === 0 || output.length === 0 || output.length === input.length * framesPerInput) {
    return (frame) => Math.floor(frame / framesPerInput);
  }
  // Frames are missing or doubled: those shown at the same time belong together.
  const offset = (output[0] ?? 0) - (input[0] ?? 0);
  const slack = framesPerInput === 2 ? 1e-6 : typicalStep(sourceVideoTimes(delivery)) / 2;
  let at = 0;
  return (frame) => {
    const time = (output[frame] ?? 0) - offset + slack;
    while (at + 1 < input.length && (input[at + 1] ?? 0) <= time) at++;
    return at;
  };
}

function prepare(
  { source, output }: Walked,
  read: ReadOptions,
): {
  source: PictureSource;
  output: PictureSource;
  options: PictureOptions;
  samplesPerPixel: number;
  start: (stride: number) => PictureComparison;
} {
  const { displayWidth, displayHeight } = source.video;
  const width = Math.max(
    16,
    Math.round(Math.min(WIDEST, Math.max(NARROWEST, displayWidth / 2), displayWidth)),
  );
  const height = Math.max(16, Math.round((width * displayHeight) / displayWidth));
  const matrix = scaleMatrix(sourceMatrix(source));
  const actual = output.video.color;
  const range = resolveColor(source, 'yuv').color.range === 'pc' ? 'pc' : 'tv';
  const isRgb = readPixelTraits(source.video.pixelFormat).family === 'rgb';
  return {
    source: {
      path: source.path,
      inputOptions: source.inputOptions,
      streamIndex: source.video.index,
      matrix,
      range: isRgb ? 'pc' : range,
    },
    output: {
      path: output.path,
      inputOptions: output.inputOptions,
      streamIndex: output.video.index,
      matrix: scaleMatrix(actual.matrix) ?? matrix,
      range:
        readPixelTraits(output.video.pixelFormat).family === 'rgb' || actual.range === 'pc' ? 'pc' : 'tv',
    },
    options: { ...read, width, height, matrix },
    samplesPerPixel: width / displayWidth,
    start: (stride) => new PictureComparison(width, height, stride),
  };
}

/** The source's pictures in order, with one before and one after the one that is asked for. */
class SourceWindow {
  readonly #frames: AsyncGenerator<Uint8Array>;
  #previous: Uint8Array | null = null;
  #current: Uint8Array | null = null;
  #next: Uint8Array | null = null;
  #index = -1;
  #started = false;
  /** Frames read so far. */
  frames = 0;

  constructor(frames: AsyncGenerator<Uint8Array>) {
    this.#frames = frames;
  }

  /** Goes on to the frame numbered `index`; null when there is none. Never goes back. */
  async seek(index: number): Promise<SourceFrames | null> {
    if (!this.#started) {
      this.#started = true;
      this.#next = await this.#read();
    }
    while (this.#index < index && (this.#next !== null || this.#current !== null)) {
      this.#previous = this.#current;
      this.#current = this.#next;
      this.#next = this.#current === null ? null : await this.#read();
      this.#index++;
    }
    return this.#current === null || this.#index !== index
      ? null
      : { previous: this.#previous, current: this.#current, next: this.#next };
  }

  async drain(): Promise<void> {
    while ((await this.#read()) !== null) continue;
  }

  async close(): Promise<void> {
    await this.#frames.return(undefined);
  }

  async #read(): Promise<Uint8Array | null> {
    const result = await this.#frames.next();
    if (result.done === true) return null;
    this.frames++;
    return result.value;
  }
}
