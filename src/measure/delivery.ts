import { toNumber } from '../core/rational.ts';
import type { OtherStream, Source } from '../decode/source.ts';
import type { StreamPlan } from '../encode/encode-plan.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';
import type { Delivered } from './read-delivered.ts';
import { NO_PACKETS, type PacketIndex, type PacketTimes } from './read-packets.ts';

/** A source and what was made of it: all that the checks look at. */
export interface Delivery {
  readonly source: Source;
  readonly sourcePackets: PacketIndex;
  readonly output: Delivered;
  /** The run's own account; null when any two files are compared. */
  readonly run: ({ readonly plan: Plan } & Pick<UpscaleResult, 'pts' | 'damage'>) | null;
  /** Frames out for each frame in. */
  readonly framesPerInput: 1 | 2;
  /** Frames that really decode, of the source their times; null where not all were tried. */
  readonly decoded: { readonly source: Float64Array | null; readonly output: number | null };
  /** What became of each of the source's other streams. */
  readonly pairs: readonly StreamPair[];
}

/** One of the source's other streams, and the output's stream that it became. */
export interface StreamPair {
  readonly source: OtherStream;
  readonly output: OtherStream | null;
  /** What the run meant to do with it; null without a run. */
  readonly planned: StreamPlan | null;
}

/**
 * Times of the source's frames: of its packets, unless it is known that others came out of the decoder, as from damaged files and from
 * those that begin in the middle of a group of pictures.
 */
export function sourceVideoTimes(
  delivery: Pick<Delivery, 'source' | 'sourcePackets' | 'run' | 'framesPerInput'> & Partial<Delivery>,
): PacketTimes {
  const { source, sourcePackets, run, framesPerInput, decoded } = delivery;
  const packets = sourcePackets.get(source.video.index) ?? NO_PACKETS;
  if (source.discontinuous || (packets.missing > 0 && run === null)) return packets;
  const tick = run === null ? 0 : toNumber(run.plan.decode.timeBase);
  const reported =
    run === null || (run.damage === null && packets.missing === 0)
      ? null
      : Float64Array.from(
          run.pts.filter((_, i) => i % framesPerInput === 0),
          (pts) => pts * tick,
        );
  const times = packets.missing > 0 ? reported : (decoded?.source ?? reported);
  if (times === null || times.length === 0) return packets;
  return packets.missing === 0 && times.length === packets.times.length
    ? packets
    : { ...packets, times: Float64Array.from(times).sort(), missing: 0 };
}

/**
 * Seconds by which the source's picture is shown before its decoder says so: where a file says no frame's time (H.264 with B-frames in AVI), the
 * first one is shown at the start, and decoders make up times that are late by what they hold back.
 */
export function madeUpDelay(delivery: Delivery): number {
  const { source, run } = delivery;
  const first = sourceVideoTimes(delivery).times[0];
  const { startTime } = source.container;
  if (run === null || source.video.scan.firstPts !== null || first === undefined) return 0;
  return startTime === null ? 0 : first - startTime;
}

export function outputVideoTimes({ output }: Pick<Delivery, 'output'>): PacketTimes {
  return output.packets.get(output.video.index) ?? NO_PACKETS;
}

/** Whether frames were doubled: as planned, or told by their number. */
export function countFramesPerInput(
  source: Source,
  sourceFrames: number,
  outputFrames: number,
  plan: Plan | null,
): 1 | 2 {
  if (plan !== null) return plan.decode.framesPerInput;
  const interlaced = source.video.fields.found !== 'progressive';
  const twice = Math.abs(outputFrames - 2 * sourceFrames) < Math.abs(outputFrames - sourceFrames);
  return twice && interlaced ? 2 : 1;
}

/** Seconds between two frames of the source, typically; 1/25 where nothing tells. */
export function typicalStep({ times }: PacketTimes): number {
  const steps = new Float64Array(Math.max(0, times.length - 1));
  for (let i = 0; i < steps.length; i++) steps[i] = (times[i + 1] ?? 0) - (times[i] ?? 0);
  steps.sort();
  const median = steps[steps.length >> 1] ?? 0;
  return median > 0 ? median : 1 / 25;
}

/** Finds for each of the source's streams the output's: by kind, then by what they have in common, then by order. */
export function pairStreams(source: Source, output: Delivered, plan: Plan | null): StreamPair[] {
  const free = [...output.others];
  return source.others.map((stream) => {
    const planned = plan?.assemble.streams.find(({ index }) => index === stream.index) ?? null;
    if (planned?.action === 'drop') return { source: stream, output: null, planned };
    let best: OtherStream | null = null;
    for (const candidate of free) {
      if (candidate.type !== stream.type || (candidate.tag === 'tmcd') !== (stream.tag === 'tmcd')) continue;
      if (best === null || likeness(stream, candidate) > likeness(stream, best)) best = candidate;
    }
    if (best !== null) free.splice(free.indexOf(best), 1);
    return { source: stream, output: best, planned };
  });
}

function likeness(a: OtherStream, b: OtherStream): number {
  const languages = sameLanguage(a.language, b.language) ? 4 : 0;
  return (
    languages +
    (a.channels === b.channels ? 2 : 0) +
    (a.title === b.title ? 2 : 0) +
    (a.codec === b.codec ? 1 : 0)
  );
}

/** Whether two language tags mean the same: `und` is none, and `en` is the short form of `eng`. */
export function sameLanguage(a: string | null, b: string | null): boolean {
  const [x, y] = [a, b].map((tag) => (tag === null || tag === 'und' ? '' : tag.toLowerCase()));
  if (x === y) return true;
  return x !== '' && y !== '' && x !== undefined && y !== undefined && (x.startsWith(y) || y.startsWith(x));
}
