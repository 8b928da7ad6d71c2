import { toNumber } from '../core/rational.ts';
import type { Source } from '../decode/source.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import { NO_PACKETS, type PacketIndex, type PacketTimes } from './read-packets.ts';

/** The part of a source that a run took, in seconds of the source's clock. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * The source as if it were only the part of it that `plan` takes, so that the output is held against nothing else. A source that is
 * taken whole is given back as it is.
 */
export function takePart(
  source: Source,
  packets: PacketIndex,
  plan: Plan | null,
): { readonly source: Source; readonly sourcePackets: PacketIndex } {
  const part = plan === null ? null : findPart(plan);
  if (part === null) return { source, sourcePackets: packets };
  const cut = new Map(
    [...packets].map(([index, times]) => [
      index,
      index === source.video.index ? pickFrames(times, part) : trimTrack(times, part),
    ]),
  );
  const frames = (cut.get(source.video.index) ?? NO_PACKETS).packets;
  return {
    source: {
      ...source,
      video: { ...source.video, scan: { ...source.video.scan, frames } },
      // The output's clock begins with the part.
      container: { ...source.container, startTime: null },
      chapters: source.chapters
        .filter(({ start, end }) => end > part.start && start < part.end)
        .map((chapter) => ({ ...chapter, start: Math.max(0, chapter.start - part.start) })),
    },
    sourcePackets: cut,
  };
}

/** The part that `plan` takes; null for all of the source. */
export function findPart({ assemble, segments, decode }: Plan): Part | null {
  const { part } = assemble.source;
  if (part === null) return null;
  const tick = toNumber(decode.timeBase);
  const start = (assemble.originTicks ?? segments[0]?.startPts ?? 0) * tick;
  return { start, end: start + part.length / 1e6 };
}

/** Tells frames that `plan` takes by their time, in seconds of the source's clock: all, where it takes the whole source. `step` is from one frame to the next. */
export function framesWithin(plan: Plan | null, step: number): (time: number) => boolean {
  const part = plan === null ? null : findPart(plan);
  return part === null ? () => true : isInside(part, step);
}

/** Half a frame of slack, for clocks that round. */
function isInside({ start, end }: Part, step: number): (time: number) => boolean {
  return (time) => time > start - step / 2 && time < end - step / 2;
}

/** Frames whose time lies in the part. */
function pickFrames(packets: PacketTimes, part: Part): PacketTimes {
  const { times, keys } = packets;
  const step = times.length > 1 ? ((times.at(-1) ?? 0) - (times[0] ?? 0)) / (times.length - 1) : 0;
  const inside = isInside(part, step);
  const picked = times.filter(inside);
  return {
    ...packets,
    times: picked,
    keys: keys.filter(inside),
    firstOfAll: picked[0] ?? null,
    end: part.end,
    packets: picked.length,
  };
}

/** A track that is cut to the sample begins and ends with the part where its packets reach over the part's ends. */
function trimTrack(packets: PacketTimes, { start, end }: Part): PacketTimes {
  const last = packets.end === null ? null : Math.min(packets.end, end);
  const inside = packets.times.filter((time) => time > start && time < end);
  const reachesIn = packets.times.some((time) => time <= start) && last !== null && last > start;
  const times = reachesIn ? Float64Array.from([start, ...inside]) : inside;
  if (times.length === 0 || last === null) return NO_PACKETS;
  return { ...packets, times, keys: times, firstOfAll: times[0] ?? null, end: last, packets: times.length };
}
