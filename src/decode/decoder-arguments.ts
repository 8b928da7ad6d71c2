import { ticksToSeconds, type Rational } from '../core/rational.ts';
import { buildArguments, LEAST_SHIFT, readAlong } from '../ffmpeg/command.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { DecodePlan } from './decode-plan.ts';

/**
 * Seconds, about, that are added to all times on their way through the pipe: NUT has no negative ones. More than a transport stream's
 * clock runs before it starts over (26.5 hours), which is how far below zero ffmpeg may count.
 */
const SHIFT_SECONDS = 200_000;

/** The shift in whole seconds and in ticks of `timeBase`, chosen so that both are exact. */
export function timestampOffset(timeBase: Rational): { seconds: number; ticks: number } {
  const seconds = Math.ceil(SHIFT_SECONDS / timeBase.num) * timeBase.num;
  return { seconds, ticks: (seconds / timeBase.num) * timeBase.den };
}

/**
 * The decoder's command: the plan's filters, every frame with its own time, raw frames in NUT on stdout. With `seekPts` (ticks of the
 * plan's time base) decoding starts at a key frame at or before it, and frames before it come out too.
 */
export function buildDecoderArguments(
  plan: DecodePlan,
  seekPts: number | null,
  tools: Pick<FfmpegTools, 'features' | 'version'>,
): string[] {
  const { num, den } = plan.timeBase;
  const seek =
    seekPts === null
      ? []
      : [
          '-noaccurate_seek',
          '-seek_timestamp',
          '1',
          '-ss',
          formatSeconds(ticksToSeconds(seekPts, plan.timeBase)),
        ];
  return buildArguments({
    global: ['-v', 'level+warning', ...(plan.copyTimestamps ? ['-copyts'] : [])],
    inputs: [
      {
        path: plan.path,
        options: [
          ...chooseThreads(plan, tools),
          ...(plan.decoder === null ? [] : ['-c:v', plan.decoder]),
          ...seek,
          ...(plan.copyTimestamps ? [] : LEAST_SHIFT),
          ...plan.inputOptions,
        ],
      },
    ],
    outputs: [
      {
        path: 'pipe:1',
        options: [
          '-map',
          `0:${String(plan.streamIndex)}`,
          ...(plan.filters.length === 0 ? [] : ['-vf', plan.filters.join(',')]),
          ...keepFrameTimes(tools),
          '-enc_time_base',
          `${String(num)}/${String(den)}`,
          '-output_ts_offset',
          String(timestampOffset(plan.timeBase).seconds),
          '-c:v',
          'rawvideo',
          '-f',
          'nut',
        ],
      },
      ...readAlong(0, plan.clockStreams),
    ],
  });
}

/** Versions before 5 can lock up for ever in their decoding threads on damaged streams; one thread cannot. */
function chooseThreads(plan: DecodePlan, tools: Pick<FfmpegTools, 'version'>): string[] {
  const threads = tools.version.major < 5 ? 1 : plan.threads;
  return threads > 0 ? ['-threads', String(threads)] : [];
}

/** Seconds with microseconds, rounded up: ffmpeg seeks to the key frame at or before the time. */
function formatSeconds(value: Rational): string {
  const micros = (BigInt(value.num) * 1_000_000n) / BigInt(value.den) + 1n;
  const sign = micros < 0n ? '-' : '';
  const absolute = micros < 0n ? -micros : micros;
  return `${sign}${String(absolute / 1_000_000n)}.${String(absolute % 1_000_000n).padStart(6, '0')}`;
}
