import { ticksToSeconds, type Rational } from '../core/rational.ts';

export interface AssemblySegment {
  /** File, or folder of pictures. */
  readonly path: string;
  /** Absolute, ticks of the plan's time base. */
  readonly firstPts: number;
  readonly lastPts: number;
  readonly frames: number;
  /** Ticks that the last frame is shown. */
  readonly lastDuration: number;
}

/**
 * The list for ffmpeg's concat demuxer. It adds up durations in microseconds to find where a file starts, and rounds that to the stream's
 * ticks; so each duration is the difference of the rounded start times, and every start comes out on its exact tick (for time bases of up
 * to a million ticks a second).
 */
export function buildConcatList(segments: readonly AssemblySegment[], timeBase: Rational): string {
  const origin = segments[0]?.firstPts ?? 0;
  const lines = ['ffconcat version 1.0'];
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1];
    const start = toMicroseconds(segment.firstPts - origin, timeBase);
    const end = toMicroseconds((next?.firstPts ?? segment.lastPts + segment.lastDuration) - origin, timeBase);
    lines.push(
      `file '${segment.path.replaceAll("'", `'\\''`)}'`,
      `duration ${formatMicroseconds(end - start)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/**
 * What is subtracted from all times, in ticks: the plan's origin, but never more than the first frame's time. A damaged stream's decoder may
 * find a time for a frame that lies before the container's own start, and players leave out what lies before zero.
 */
export function effectiveOrigin(originTicks: number | null, segments: readonly AssemblySegment[]): number {
  const firstPts = segments[0]?.firstPts ?? 0;
  return originTicks === null ? firstPts : Math.min(originTicks, firstPts);
}

/**
 * The source's time that is the output's zero, in microseconds: the origin, or where the source starts whose picture has no times, as that begins
 * at zero with it.
 */
export function sourceOrigin(
  {
    originTicks,
    timeBase,
    source,
  }: {
    readonly originTicks: number | null;
    readonly timeBase: Rational;
    readonly source: { readonly startTime: number };
  },
  segments: readonly AssemblySegment[],
): bigint {
  return originTicks === null
    ? BigInt(Math.round(source.startTime * 1e6))
    : toMicroseconds(effectiveOrigin(originTicks, segments), timeBase);
}

export function toMicroseconds(ticks: number, timeBase: Rational): bigint {
  const { num, den } = ticksToSeconds(ticks, timeBase);
  const scaled = BigInt(num) * 2_000_000n;
  const divisor = BigInt(den) * 2n;
  return scaled >= 0n ? (scaled + BigInt(den)) / divisor : -((-scaled + BigInt(den)) / divisor);
}

export function formatMicroseconds(value: bigint): string {
  const absolute = value < 0n ? -value : value;
  const text = `${String(absolute / 1_000_000n)}.${String(absolute % 1_000_000n).padStart(6, '0')}`;
  return value < 0n ? `-${text}` : text;
}
