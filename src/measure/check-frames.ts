import { toNumber } from '../core/rational.ts';
import { beginsAtZero } from '../core/container-clock.ts';
import type { Source } from '../decode/source.ts';
import { madeUpDelay, outputVideoTimes, sourceVideoTimes, typicalStep, type Delivery } from './delivery.ts';
import type { Finding } from './finding.ts';
import { findPart } from './take-part.ts';

/** Number of frames, the time of each, and how long the picture lasts. */
export function checkFrames(delivery: Delivery): Finding[] {
  const count = checkCount(delivery);
  // Pictures carry no times.
  if (delivery.output.isPictures) return [count];
  return [count, checkTimes(delivery), ...checkStart(delivery), checkDuration(delivery)];
}

function checkCount(delivery: Delivery): Finding {
  const { framesPerInput, decoded, run, source } = delivery;
  const packets = source.video.scan.frames;
  const input = decoded.source?.length ?? packets;
  const actual = decoded.output ?? outputVideoTimes(delivery).packets;
  const expected = framesPerInput * input;
  const row = {
    check: 'frames',
    expected: `${String(expected)}${framesPerInput === 2 ? ` (2 x ${String(input)})` : ''}`,
    actual: String(actual),
  };
  if (actual === expected || actual === framesPerInput * packets) {
    const note =
      input === packets
        ? undefined
        : `of the source's ${String(packets)} packets ${String(input)} give a frame`;
    return { ...row, status: 'ok', note };
  }
  const difference =
    actual < expected ? `${String(expected - actual)} missing` : `${String(actual - expected)} too many`;
  if (run?.damage != null) return { ...row, status: 'warning', note: `${difference}; the source is damaged` };
  if (!source.video.scan.complete && actual < expected) {
    return { ...row, status: 'warning', note: `${difference}; the source is damaged or cut short` };
  }
  return { ...row, status: 'failed', note: difference };
}

/** The times that the output's frames should have, in seconds of the source's clock; null where the source has no usable ones. */
export function expectTimes(
  delivery: Omit<Delivery, 'decoded' | 'pairs'> & Partial<Delivery>,
): Float64Array | null {
  const { run, framesPerInput, source } = delivery;
  const input = sourceVideoTimes(delivery);
  const frames = outputVideoTimes(delivery).times.length;
  const usable = input.missing === 0 && !source.discontinuous && source.video.scan.duplicatePts === 0;
  if (usable && input.times.length * framesPerInput === frames) {
    return framesPerInput === 1 ? input.times : doubleTimes(input.times);
  }
  if (run !== null && run.pts.length === frames) {
    const tick = toNumber(run.plan.decode.timeBase);
    return Float64Array.from(run.pts, (pts) => pts * tick);
  }
  return null;
}

/** Each frame's second field is shown halfway to the next frame. */
function doubleTimes(times: Float64Array): Float64Array {
  const doubled = new Float64Array(2 * times.length);
  const lastStep = times.length > 1 ? (times.at(-1) ?? 0) - (times.at(-2) ?? 0) : 0;
  times.forEach((time, i) => {
    doubled[2 * i] = time;
    doubled[2 * i + 1] = (time + (times[i + 1] ?? time + lastStep)) / 2;
  });
  return doubled;
}

function checkTimes(delivery: Delivery): Finding {
  const { output, source, framesPerInput } = delivery;
  const { times, missing } = outputVideoTimes(delivery);
  const expected = expectTimes(delivery);
  const check = 'times';
  if (expected === null || times.length === 0) {
    const backwards = times.findIndex((time, i) => i > 0 && time <= (times[i - 1] ?? 0));
    // A time that the source lacks or gives twice cannot be made up.
    const inherited = source.video.scan.missingPts + source.video.scan.duplicatePts > 0;
    const [status, actual] =
      missing > 0
        ? (['failed', `${String(missing)} frames without a time`] as const)
        : backwards > 0
          ? ([
              inherited ? 'warning' : 'failed',
              `frame ${String(backwards)} has the time of the one before`,
            ] as const)
          : (['skipped', 'each later than the one before'] as const);
    const note =
      delivery.run === null && !source.discontinuous && source.video.scan.missingPts === 0
        ? 'the number of frames differs, so that their times cannot be compared one by one'
        : 'the source has no times to compare with';
    return { check, status, expected: "the source's", actual, note };
  }
  const offset = (times[0] ?? 0) - (expected[0] ?? 0);
  let worst = 0;
  let worstFrame = 0;
  let off = 0;
  const tolerance =
    1.01 * toNumber(output.video.timeBase) +
    (framesPerInput === 2 ? toNumber(source.video.timeBase) : 0) +
    3e-6;
  times.forEach((time, i) => {
    const error = Math.abs(time - offset - (expected[i] ?? 0));
    if (error > tolerance) off++;
    if (error > worst) [worst, worstFrame] = [error, i];
  });
  const row = { check, expected: `within ${formatMs(tolerance)} of the source's` };
  if (off === 0) return { ...row, status: 'ok', actual: `all, worst ${formatMs(worst)}` };
  return {
    ...row,
    status: 'failed',
    actual: `${String(off)} of ${String(times.length)} frames off, worst ${formatMs(worst)} at frame ${String(worstFrame)}`,
  };
}

/** Where the picture begins on the file's own clock. Sound and picture against each other are checked elsewhere. */
function checkStart(delivery: Delivery): Finding[] {
  const { source, output, run } = delivery;
  const first = sourceVideoTimes(delivery).times[0];
  const actual = outputVideoTimes(delivery).times[0];
  if (first === undefined || actual === undefined) return [];
  const expected = first - madeUpDelay(delivery) - (zeroOf(source, run) ?? first) + findRunIn(delivery);
  const found = actual - originOf(output.format, output.startTime);
  const step = typicalStep(sourceVideoTimes(delivery));
  const row = { check: 'start', expected: formatSeconds(expected), actual: formatSeconds(found) };
  if (Math.abs(expected - found) <= step) return [{ ...row, status: 'ok' }];
  // Players start at the earliest stream, so a shift of everything is no fault of a file that others made.
  return [{ ...row, status: run === null ? 'warning' : 'failed', note: 'the whole file is shifted' }];
}

/** Where the clock of a run's output begins on the source's; null for raw streams, which carry no clock. */
function zeroOf({ container }: Source, run: Delivery['run']): number | null {
  const part = run === null ? null : findPart(run.plan);
  if (part !== null) return part.start;
  return container.startTime === null ? null : originOf(container.format, container.startTime);
}

/**
 * Seconds by which a file that cannot begin before zero must be shifted: sound whose codec's run-in is copied begins that much before the picture's
 * zero.
 */
function findRunIn({ source, sourcePackets, output, pairs, run }: Delivery): number {
  const zero = zeroOf(source, run);
  if (zero === null || !/matroska|webm/.test(output.format)) return 0;
  const begins = pairs
    .filter((pair) => pair.source.type === 'audio' && pair.source.codec === pair.output?.codec)
    .map((pair) => sourcePackets.get(pair.source.index)?.firstOfAll ?? zero);
  return zero - Math.min(zero, ...begins);
}

/** What counts as zero: containers whose clock begins there, and those with a clock of their own. */
export function originOf(format: string, startTime: number | null): number {
  return beginsAtZero(format) ? Math.min(0, startTime ?? 0) : (startTime ?? 0);
}

function checkDuration(delivery: Delivery): Finding {
  const spans = [sourceVideoTimes(delivery), outputVideoTimes(delivery)].map(({ times, end }) =>
    times.length === 0 || end === null ? null : end - (times[0] ?? 0),
  );
  const [expected, actual] = spans as [number | null, number | null];
  const check = 'duration';
  const { discontinuous, video } = delivery.source;
  if (expected === null || actual === null || discontinuous || video.scan.missingPts > 0) {
    return {
      check,
      status: 'skipped',
      expected: '',
      actual: '',
      note: 'the source has no times to compare with',
    };
  }
  const input = sourceVideoTimes(delivery);
  // Not every container can say how long the only frame is shown.
  const step = input.times.length === 1 ? expected : typicalStep(input);
  // Demuxers give frames that were reordered the usual duration, also the last one.
  const { videoDuration } = delivery.output;
  const isSaid = videoDuration !== null && Math.abs(expected - videoDuration) < Math.abs(expected - actual);
  const found = isSaid ? videoDuration : actual;
  const row = { check, expected: formatSeconds(expected), actual: formatSeconds(found) };
  if (Math.abs(expected - found) <= 1.5 * step + 0.002) return { ...row, status: 'ok' };
  const { lastFrameTicks, decode } = delivery.run?.plan ?? {};
  const lastFrame = (lastFrameTicks ?? 0) * (decode === undefined ? 0 : toNumber(decode.timeBase));
  if (found < expected && expected - found <= lastFrame) {
    return { ...row, status: 'warning', note: 'the container does not say how long the last frame is shown' };
  }
  const damaged = delivery.run?.damage != null || !delivery.source.video.scan.complete;
  return damaged
    ? { ...row, status: 'warning', note: 'the source is damaged or cut short' }
    : {
        ...row,
        status: 'failed',
        note: `${formatSeconds(Math.abs(expected - found))} ${found < expected ? 'missing' : 'too long'}`,
      };
}

export function formatMs(seconds: number): string {
  const ms = seconds * 1000;
  return `${Math.abs(ms) < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(3)} s`;
}
