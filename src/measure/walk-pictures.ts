import { readPixelTraits } from '../decode/pixel-traits.ts';
import { toNumber } from '../core/rational.ts';
import { resolveColor, sourceMatrix } from '../decode/resolve-color.ts';
import { expectTimes } from './check-frames.ts';
import { PictureComparison, type PictureSummary } from './compare-pictures.ts';
import { outputVideoTimes, sourceVideoTimes, typicalStep, type Delivery } from './delivery.ts';
import { scaleMatrix } from '../ffmpeg/scale-matrix.ts';
import { readPictures, type PictureRun, type PictureOptions, type PictureSource } from './read-pictures.ts';
import type { ReadOptions } from './read-packets.ts';
import { SourceWindow } from './source-window.ts';
import { framesWithin } from './take-part.ts';

/** What going through both files' pictures found. */
export interface PictureWalk {
  readonly summary: PictureSummary | null;
  /** Samples of the pictures compared for each pixel of the source as shown. */
  readonly samplesPerPixel: number;
  /** Frames that decoded, with the times of the source's; null where only some were looked at. */
  readonly decoded: { readonly source: Float64Array; readonly output: number } | null;
  /** Where frames were looked at, where not all were, and at how many of the places some came. */
  readonly places: { readonly tried: number; readonly decoded: number } | null;
  readonly complaints: { readonly source: readonly string[]; readonly output: readonly string[] };
}

/** What is known of a delivery before its pictures were looked at. */
export type Undecoded = Omit<Delivery, 'decoded' | 'pairs'>;

/** Pictures are compared at no more than this width; half the source's size at most, so that fields blend. */
const WIDEST = 480;
const NARROWEST = 160;
/** Frames that are looked at for position and orientation. */
const LOOKS = 12;
/** Frames that are compared at each place. */
const FRAMES_A_PLACE = 2;

/** Decodes both files whole and compares every frame. */
export async function walkWhole(known: Undecoded, options: ReadOptions): Promise<PictureWalk> {
  const setting = prepare(known, options);
  const source = readPictures(setting.source, setting.options);
  const output = readPictures(setting.output, setting.options);
  const comparison = setting.start(Math.ceil(outputVideoTimes(known).times.length / LOOKS));
  const inStep = typicalStep(sourceVideoTimes(known));
  const window = openWindow(source);
  let frames = 0;
  try {
    const locate = await locateFrames(known, window);
    for await (const { samples } of output.frames()) {
      const target = locate(frames);
      const found = await (target.index === undefined
        ? window.seekTime(target.time)
        : window.seekIndex(target.index));
      if (found !== null) comparison.add(frames, samples, found);
      frames++;
    }
    await window.drain();
  } finally {
    await window.close();
  }
  const plan = known.run?.plan ?? null;
  return {
    summary: comparison.finish(),
    samplesPerPixel: setting.samplesPerPixel,
    decoded: {
      source: Float64Array.from(window.times).filter(framesWithin(plan, inStep)),
      output: frames,
    },
    places: null,
    complaints: { source: source.complaints, output: output.complaints },
  };
}

/** Compares a few frames at the start, in the middle and near the end, where a key frame of the output makes that cheap. */
export async function walkPlaces(known: Undecoded, options: ReadOptions): Promise<PictureWalk> {
  const setting = prepare(known, options);
  const comparison = setting.start(1);
  const complaints = { source: [] as string[], output: [] as string[] };
  const { times } = outputVideoTimes(known);
  const [inStep, outStep] = [sourceVideoTimes(known), outputVideoTimes(known)].map(typicalStep) as [
    number,
    number,
  ];
  const expected = expectTimes(known);
  const places = choosePlaces(known, expected);
  const { plan } = known.run ?? {};
  const isPart = plan !== undefined && plan.assemble.source.part !== null;
  const seeks = plan?.decode.seek !== 'start';
  const { scan, timeBase } = known.source.video;
  const sourceStart = (scan.firstPts ?? 0) * toNumber(timeBase);
  let decoded = 0;
  for (const frame of places) {
    // A frame and a half earlier, for a neighbour to compare with.
    const from = frame === 0 && !isPart ? undefined : (expected?.[frame] ?? 0) - 1.5 * inStep;
    const source = readPictures(setting.source, {
      ...setting.options,
      from,
      enterAt: seeks ? from : sourceStart,
      most: FRAMES_A_PLACE + 3,
    });
    const output = readPictures(setting.output, {
      ...setting.options,
      from: frame === 0 ? undefined : (times[frame] ?? 0) - outStep / 2,
      enterAt: frame === 0 ? undefined : times[frame],
      most: FRAMES_A_PLACE,
    });
    const window = openWindow(source);
    let shown = 0;
    try {
      const locate = await locateFrames(known, window);
      for await (const { samples } of output.frames()) {
        const target = locate(frame + shown);
        const found = await (target.index === undefined
          ? window.seekTime(target.time)
          : window.seekIndex(target.index));
        if (found !== null) comparison.add(frame + shown, samples, found);
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

/** The source's frames; its decoder starts beside that of the output. */
function openWindow(source: PictureRun): SourceWindow {
  const window = new SourceWindow(source.frames());
  window.firstTime().catch(() => undefined);
  return window;
}

/** Output frames to look at: the first, and key frames near the middle and the end where both files can be entered there. */
function choosePlaces(
  { source, output, run, ...packets }: Undecoded,
  expected: Float64Array | null,
): number[] {
  const { times, keys } = outputVideoTimes({ output, ...packets });
  const first = times[0];
  const last = times.at(-1);
  const seekable =
    !output.isPictures &&
    source.kind === 'file' &&
    run?.plan.decode.seek !== 'start' &&
    !source.discontinuous &&
    expected !== null;
  if (!seekable || first === undefined || last === undefined) return [0];
  const middle = keys.find((key) => key >= (first + last) / 2) ?? first;
  const end = keys.at(-1) ?? first;
  return [...new Set([first, middle, end])].map((time) => times.indexOf(time));
}

/** Where to find the source's frame that an output frame was made from: by its time on the source's clock, or by its number. */
async function locateFrames(
  known: Undecoded,
  window: SourceWindow,
): Promise<(frame: number) => { readonly index?: number; readonly time: number }> {
  const { framesPerInput, source } = known;
  const expected = expectTimes(known);
  const input = sourceVideoTimes(known);
  const { times } = outputVideoTimes(known);
  const step = typicalStep(input);
  if (expected !== null && !source.discontinuous) {
    return (frame) => {
      const time = expected[frame] ?? Infinity;
      // Short of the next frame, whatever the clocks round to.
      return { time: time + 0.45 * ((expected[frame + 1] ?? time + step / framesPerInput) - time) };
    };
  }
  const whole = source.video.scan.complete && source.video.scan.frames * framesPerInput === times.length;
  if (times.length === 0 || whole || source.discontinuous) {
    return (frame) => ({ index: Math.floor(frame / framesPerInput), time: 0 });
  }
  // Frames are missing or doubled: those shown at the same time belong together.
  const offset = (times[0] ?? 0) - (await window.firstTime());
  const slack = framesPerInput === 2 ? 1e-6 : step / 2;
  return (frame) => ({ time: (times[frame] ?? Infinity) - offset + slack });
}

function prepare(
  { source, output }: Undecoded,
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
      timeBase: source.video.timeBase,
      copyTimestamps: !source.discontinuous,
      matrix,
      range: isRgb ? 'pc' : range,
    },
    output: {
      path: output.path,
      inputOptions: output.inputOptions,
      streamIndex: output.video.index,
      timeBase: output.video.timeBase,
      copyTimestamps: true,
      matrix: scaleMatrix(actual.matrix) ?? matrix,
      range:
        readPixelTraits(output.video.pixelFormat).family === 'rgb' || actual.range === 'pc' ? 'pc' : 'tv',
    },
    options: { ...read, width, height, matrix },
    samplesPerPixel: width / displayWidth,
    start: (stride) => new PictureComparison(width, height, stride),
  };
}
