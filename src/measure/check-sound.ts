import { formatMs } from './check-frames.ts';
import {
  madeUpDelay,
  outputVideoTimes,
  sourceVideoTimes,
  typicalStep,
  type Delivery,
  type StreamPair,
} from './delivery.ts';
import type { Finding } from './finding.ts';
import { findLag, hashTracks, readWave, WAVE_RATE, type TrackHashes } from './read-sound.ts';
import type { ReadOptions } from './read-packets.ts';

/** Seconds of sound that are laid over each other at a track's start and end, and the widest shift that is looked for. */
const STRETCH = 8;
const WIDEST_LAG = 1;
/** Below this the two are not the same sound. */
const LEAST_LIKENESS = 0.5;

/**
 * What is heard: tracks that were copied are the same bytes, or at least the same samples; others sound at the same moment. Decodes all
 * tracks that are not the same bytes.
 */
export async function checkSound(delivery: Delivery, options: ReadOptions): Promise<Finding[]> {
  const tracks = delivery.pairs.filter(isHeard);
  const copies = tracks.filter(({ source, output }) => source.codec === output.codec);
  const [before, after] = await hashBoth(delivery, copies, 'packets', options);
  const recoded = tracks.filter((pair) => !isSame(pair, before, after));
  const [samplesBefore, samplesAfter] = await hashBoth(delivery, recoded, 'samples', options);
  const rows: Finding[] = [];
  for (const [index, pair] of tracks.entries()) {
    const check = `sound ${String(index + 1)}`;
    if (isSame(pair, before, after)) {
      rows.push({ check, status: 'ok', expected: 'the same bytes', actual: 'the same bytes' });
    } else if (isSame(pair, samplesBefore, samplesAfter)) {
      rows.push({ check, status: 'ok', expected: 'the same samples', actual: 'the same samples' });
    } else {
      rows.push({ check, ...(await compareWaves(delivery, pair, options)) });
    }
  }
  return rows;
}

type HeardPair = StreamPair & { readonly output: NonNullable<StreamPair['output']> };

export function isHeard(pair: StreamPair): pair is HeardPair {
  return pair.source.type === 'audio' && pair.output !== null;
}

function isSame(pair: StreamPair, before: TrackHashes, after: TrackHashes): boolean {
  const hash = before.get(pair.source.index);
  return pair.output !== null && typeof hash === 'string' && hash === after.get(pair.output.index);
}

async function hashBoth(
  { source, output }: Delivery,
  pairs: readonly StreamPair[],
  kind: 'packets' | 'samples',
  options: ReadOptions,
): Promise<[TrackHashes, TrackHashes]> {
  return Promise.all([
    hashTracks(
      source,
      pairs.map((pair) => pair.source.index),
      kind,
      options,
    ),
    hashTracks(
      output,
      pairs.flatMap((pair) => pair.output?.index ?? []),
      kind,
      options,
    ),
  ]);
}

/** Lays the sound of both over each other, at the start and near the end. */
export async function compareWaves(
  delivery: Delivery,
  pair: HeardPair,
  options: ReadOptions,
): Promise<Omit<Finding, 'check'>> {
  const { source, output, run } = delivery;
  const whole = run?.plan.source ?? source;
  const step = typicalStep(sourceVideoTimes(delivery));
  const expected = `within ${formatMs(step)}`;
  const promised = pair.planned?.action === 'copy';
  // Both clocks are counted from the first frame of the picture.
  const starts = [
    (sourceVideoTimes(delivery).times[0] ?? 0) - madeUpDelay(delivery) - (whole.container.startTime ?? 0),
    (outputVideoTimes(delivery).times[0] ?? 0) - output.startTime,
  ] as const;
  const length = lengthOf(delivery);
  const margin = Math.max(0, Math.min(length - STRETCH - 2 * WIDEST_LAG, length));
  const places = margin > STRETCH ? [0, margin] : [0];
  const heard: number[] = [];
  let likeness = 1;
  for (const place of places) {
    const stretch = { seconds: STRETCH + 2 * WIDEST_LAG };
    const [a, b] = await Promise.all([
      readWave(source, pair.source, { ...stretch, from: place + starts[0] }, options),
      readWave(output, pair.output, { ...stretch, from: place + starts[1] }, options),
    ]).catch((error: unknown) => {
      if (options.signal?.aborted === true) throw error;
      return [new Int16Array(), new Int16Array()] as const;
    });
    const most = Math.min(WIDEST_LAG * WAVE_RATE, Math.floor(Math.min(a.length, b.length) / 4));
    const found = findLag(a, b, most);
    if (found === null) continue;
    heard.push(found.lag / WAVE_RATE);
    likeness = Math.min(likeness, found.likeness);
  }
  if (heard.length === 0) {
    return { status: 'skipped', expected, actual: '', note: 'too silent or too short to compare' };
  }
  const worst = heard.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const actual = `${heard.map(formatMs).join(', ')}, ${(100 * likeness).toFixed(0)} % alike`;
  if (likeness < LEAST_LIKENESS) return { status: 'failed', expected, actual, note: 'it is another sound' };
  if (Math.abs(worst) > step) {
    return {
      status: 'failed',
      expected,
      actual,
      note: `the sound is heard too ${worst > 0 ? 'late' : 'early'}`,
    };
  }
  if (promised)
    return { status: 'failed', expected: 'the same bytes', actual, note: 'it was to be copied and was not' };
  return {
    status: delivery.run === null && pair.source.codec === pair.output.codec ? 'warning' : 'ok',
    expected,
    actual,
    note: 'coded anew',
  };
}

function lengthOf(delivery: Delivery): number {
  const { times } = sourceVideoTimes(delivery);
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}
