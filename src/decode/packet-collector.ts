import type { PacketScan } from './source.ts';

/** One packet as the demuxer has it; times in ticks of the stream's time base. */
export interface Packet {
  readonly pts: number | null;
  readonly dts: number | null;
  /** 0 when unknown. */
  readonly duration: number;
  readonly size: number;
  readonly key: boolean;
  /** Decoded, but not shown (edit lists). */
  readonly discarded: boolean;
}

/** What the packets of one stream say. */
export interface PacketSummary extends Omit<PacketScan, 'complete' | 'complaints'> {
  /** The clock runs backwards, or jumps by more than ten seconds: a recording that was cut or joined. */
  readonly discontinuous: boolean;
  /** Packets by their duration: how many are the shortest kind, and how long that is; for streams whose fields are packets of their own. */
  readonly durations: ReadonlyMap<number, number>;
  /** Presentation times of the smallest key frames behind the first: those that may be none (rolling refresh). */
  readonly doubtfulKeyframes: readonly number[];
  /** Presentation times of all frames that have one, ascending. */
  readonly frameTimes: Float64Array;
}

/** A jump of the clock that no pause between two frames explains, in frames. */
const JUMP_FRAMES = 250;
const MOST_DOUBTFUL = 3;

/** Gathers packets one by one, so that hours of video need no list of objects. */
export class PacketCollector {
  readonly #pts: number[] = [];
  readonly #keyframes: number[] = [];
  readonly #durations = new Map<number, number>();
  readonly #jumps: number[] = [];
  readonly #smallKeys: { pts: number; size: number }[] = [];
  #frames = 0;
  #keys = 0;
  #missing = 0;
  #last: Packet | null = null;
  #lastShown: Packet | null = null;

  add(packet: Packet): void {
    const last = this.#last;
    this.#last = packet;
    if (last !== null && packet.dts !== null && last.dts !== null) {
      // The same two times once more: the rest of a picture that was cut in two.
      if (packet.dts === last.dts && packet.pts === last.pts && packet.pts !== null) return;
      this.#jumps.push(packet.dts - last.dts);
    }
    if (packet.discarded) return;
    this.#frames++;
    this.#durations.set(packet.duration, (this.#durations.get(packet.duration) ?? 0) + 1);
    if (packet.key) this.#keys++;
    if (packet.pts === null) {
      this.#missing++;
      return;
    }
    this.#pts.push(packet.pts);
    if (packet.pts >= (this.#lastShown?.pts ?? -Infinity)) this.#lastShown = packet;
    if (!packet.key) return;
    this.#keyframes.push(packet.pts);
    if (this.#keyframes.length === 1) return;
    this.#smallKeys.push({ pts: packet.pts, size: packet.size });
    this.#smallKeys.sort((a, b) => a.size - b.size);
    this.#smallKeys.length = Math.min(this.#smallKeys.length, MOST_DOUBTFUL);
  }

  summarise(): PacketSummary {
    const pts = Float64Array.from(this.#pts).sort();
    const steps = new Float64Array(Math.max(0, pts.length - 1));
    let duplicates = 0;
    for (let i = 0; i < steps.length; i++) {
      const step = Number(pts[i + 1]) - Number(pts[i]);
      steps[i] = step;
      if (step === 0) duplicates++;
    }
    steps.sort();
    const min = steps[0] ?? 0;
    const median = steps[steps.length >> 1] ?? 0;
    const max = steps.at(-1) ?? 0;
    const jumpLimit = JUMP_FRAMES * Math.max(1, median);
    return {
      frames: this.#frames,
      firstPts: pts[0] ?? null,
      lastPts: pts.at(-1) ?? null,
      lastDuration: this.#lastShown?.duration || null,
      keyframes: [...new Set(this.#keyframes)].sort((x, y) => x - y),
      intraOnly: this.#frames > 0 && this.#keys === this.#frames,
      step: steps.length === 0 ? null : { min, median, max },
      variableFrameRate: steps.length > 0 && max - min > Math.max(2, median * 0.02),
      missingPts: this.#missing,
      duplicatePts: duplicates,
      discontinuous: this.#jumps.some((jump) => jump < 0 || jump > jumpLimit),
      durations: this.#durations,
      frameTimes: pts,
      doubtfulKeyframes: this.#smallKeys.map(({ pts }) => pts).sort((a, b) => a - b),
    };
  }
}

/**
 * Frames in a stream whose fields may be packets of their own (H.264 and VC-1 in transport streams): packets that last half a frame
 * count half. `frameTicks`: how long a frame lasts.
 */
export function countFieldCodedFrames(summary: PacketSummary, frameTicks: number): number {
  let halves = 0;
  for (const [duration, count] of summary.durations) {
    halves += Math.abs(duration - frameTicks / 2) <= frameTicks * 0.1 ? count : 2 * count;
  }
  return Math.ceil(halves / 2);
}
