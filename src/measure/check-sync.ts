import { formatMs } from './check-frames.ts';
import {
  madeUpDelay,
  outputVideoTimes,
  sourceVideoTimes,
  typicalStep,
  type Delivery,
  type StreamPair,
} from './delivery.ts';
import { compareWaves, isHeard } from './check-sound.ts';
import type { PacketTimes, ReadOptions } from './read-packets.ts';
import type { Finding } from './finding.ts';

/**
 * Sound against picture, at the start and at the end of each track, compared with the source. Packets of a track that was coded anew need not say
 * where its sound is: where they differ, it is listened to.
 */
export async function checkSync(delivery: Delivery, options: ReadOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const pair of delivery.pairs.filter(isHeard)) {
    const finding = checkTrack(delivery, pair, findings.length + 1);
    const heard =
      finding.status === 'failed' && isCodedAnew(pair) ? await compareWaves(delivery, pair, options) : null;
    findings.push(heard?.status === 'ok' ? { ...finding, ...heard, note: 'as it is heard' } : finding);
  }
  return findings;
}

function isCodedAnew({ source, output, planned }: StreamPair): boolean {
  return source.codec !== output?.codec || (planned !== null && planned.action !== 'copy');
}

function checkTrack(delivery: Delivery, pair: StreamPair, number: number): Finding {
  const check = `sync ${String(number)}`;
  const input = delivery.sourcePackets.get(pair.source.index);
  const output = pair.output === null ? undefined : delivery.output.packets.get(pair.output.index);
  const pictureIn = sourceVideoTimes(delivery);
  const pictureOut = outputVideoTimes(delivery);
  if (
    !hasTimes(input) ||
    !hasTimes(output) ||
    !hasTimes(pictureIn) ||
    !hasTimes(pictureOut) ||
    delivery.source.discontinuous
  ) {
    return { check, status: 'skipped', expected: '', actual: '', note: 'there are no times to compare' };
  }
  const step = typicalStep(pictureIn);
  const delay = madeUpDelay(delivery);
  const startShift = (pictureOut.times[0] ?? 0) - (pictureIn.times[0] ?? 0) + delay;
  const start = findShift(startsOf(input), startsOf(output), startShift);
  const endShift = endOf(pictureOut, delivery.framesPerInput) - endOf(pictureIn, 1) + delay;
  // Not every container says how long the last packet is.
  const end = [
    findShift([input.end], [output.end], endShift),
    findShift([input.times.at(-1) ?? null], [output.times.at(-1) ?? null], endShift),
  ].reduce(nearer);
  const row = {
    check,
    expected: `within ${formatMs(step)} of the source's`,
    actual: `${formatMs(start)} at the start, ${formatMs(end)} at the end`,
  };
  const limit = step + 0.001;
  if (Math.abs(start) <= limit && Math.abs(end) <= limit) return { ...row, status: 'ok' };
  const damaged = delivery.run?.damage != null || !delivery.source.video.scan.complete;
  if (Math.abs(start) <= limit && damaged) {
    return { ...row, status: 'warning', note: 'the end of the source is damaged or missing' };
  }
  const late = Math.abs(start) > limit ? start : end;
  return { ...row, status: 'failed', note: `the sound is ${late > 0 ? 'late' : 'early'}` };
}

function hasTimes(times: PacketTimes | undefined): times is PacketTimes {
  return times !== undefined && times.times.length > 0 && times.missing === 0;
}

/** Where a track may be said to start: containers differ in whether they can mark the codec's run-in. */
function startsOf({ times, firstOfAll }: PacketTimes): (number | null)[] {
  return [times[0] ?? null, firstOfAll];
}

/** Time of the last frame; of doubled frames the one that stands where the source's does. */
function endOf({ times }: PacketTimes, framesPerInput: 1 | 2): number {
  return times.at(-framesPerInput) ?? times.at(-1) ?? 0;
}

/** Seconds that the output's sound is late against its picture: the smallest among all readings. */
function findShift(
  input: readonly (number | null)[],
  output: readonly (number | null)[],
  picture: number,
): number {
  const shifts = input.flatMap((from) =>
    output.flatMap((to) => (from === null || to === null ? [] : to - from - picture)),
  );
  return shifts.reduce(nearer, shifts[0] ?? 0);
}

function nearer(a: number, b: number): number {
  return Math.abs(b) < Math.abs(a) ? b : a;
}
