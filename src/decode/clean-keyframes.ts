import { rational, ticksToSeconds, toNumber, type Rational } from '../core/rational.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { runFfprobe } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';

/**
 * Whether decoding can really begin at these key frames. Streams with a rolling refresh flag frames as key frames at which only part of the
 * picture is renewed; a decoder that starts there gives nothing yet, or a predicted picture.
 */
export async function areKeyframesClean(
  file: string,
  facts: { readonly index: number; readonly timeBase: Rational; readonly keyframes: readonly number[] },
  options: {
    readonly tools: FfmpegTools;
    readonly inputOptions: readonly string[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<boolean> {
  if (facts.keyframes.length === 0) return true;
  const intervals = facts.keyframes.map((pts) => {
    // A little later, so that rounding cannot lead to the key frame before.
    const seconds = toNumber(ticksToSeconds(pts, facts.timeBase)) + toNumber(rational(1, 10_000));
    return `${seconds.toFixed(6)}%+#1`;
  });
  const text = await runFfprobe(
    options.tools,
    [
      ...['-v', 'quiet', ...options.inputOptions, '-select_streams', String(facts.index)],
      ...['-read_intervals', intervals.join(',')],
      ...['-show_entries', 'frame=pts,pict_type', '-of', 'csv=p=0', toFfmpegPath(file)],
    ],
    { what: `looking at key frames of ${file}`, signal: options.signal },
  ).catch(() => '');
  const whole = new Set(
    text
      .split('\n')
      .map((line) => line.trim().split(','))
      .filter(([, type]) => type === 'I')
      .map(([pts]) => Number(pts)),
  );
  return facts.keyframes.every((pts) => whole.has(pts));
}
