import { throwIfAborted } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { describeFailure, startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';

/** When one stream's packets are to be shown or heard. All times in seconds of the file's own clock. */
export interface PacketTimes {
  /** Ascending; without packets that the container marks to be dropped after decoding. */
  readonly times: Float64Array;
  /** Of key frames, ascending. */
  readonly keys: Float64Array;
  /** Of the first packet, dropped ones included: some containers cannot mark a codec's run-in. */
  readonly firstOfAll: number | null;
  /** Where the last packet ends. */
  readonly end: number | null;
  readonly packets: number;
  /** Packets without a time. */
  readonly missing: number;
  readonly bytes: number;
}

/** Times of all packets, by stream index. */
export type PacketIndex = ReadonlyMap<number, PacketTimes>;

export interface ReadOptions {
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** Reads the times of all packets of all streams; decodes nothing. Throws `FFMPEG_FAILED` when the file cannot be read at all. */
export async function readPackets(
  path: string,
  inputOptions: readonly string[],
  options: ReadOptions,
): Promise<{ packets: PacketIndex; complaints: string[] }> {
  const child = startProcess(
    options.tools.ffprobe,
    [
      ...['-v', 'error', ...inputOptions],
      ...['-show_entries', 'packet=stream_index,pts_time,duration_time,size,flags', '-of', 'csv=p=0'],
      toFfmpegPath(path),
    ],
    {
      label: 'packet times',
      stdin: 'ignore',
      stdout: 'pipe',
      signal: options.signal,
      logger: options.logger,
    },
  );
  const streams = new Map<number, Collector>();
  let rest = '';
  child.stdout?.setEncoding('latin1');
  child.stdout?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) addLine(streams, line);
  });
  const exit = await child.exited;
  throwIfAborted(options.signal);
  if (exit.code !== 0 && streams.size === 0)
    throw describeFailure(exit, { what: `reading the packets of ${path}` });
  const packets = new Map([...streams].map(([index, collector]) => [index, collector.finish()]));
  return { packets, complaints: exit.stderr === '' ? [] : exit.stderr.split('\n') };
}

/** What a stream without a single packet has. */
export const NO_PACKETS: PacketTimes = {
  times: new Float64Array(),
  keys: new Float64Array(),
  firstOfAll: null,
  end: null,
  packets: 0,
  missing: 0,
  bytes: 0,
};

function addLine(streams: Map<number, Collector>, line: string): void {
  const [index, time, duration, size, flags] = line.trim().split(',');
  if (flags === undefined || index === '') return;
  const key = Number(index);
  let collector = streams.get(key);
  if (collector === undefined) streams.set(key, (collector = new Collector()));
  collector.add(Number(time), Number(duration), Number(size), flags);
}

class Collector {
  readonly #times: number[] = [];
  readonly #keys: number[] = [];
  #first = Infinity;
  #lastTime = -Infinity;
  #lastDuration = Number.NaN;
  #packets = 0;
  #missing = 0;
  #bytes = 0;

  add(time: number, duration: number, size: number, flags: string): void {
    this.#bytes += size;
    const dropped = flags.includes('D');
    if (!dropped) this.#packets++;
    if (Number.isNaN(time)) {
      if (!dropped) this.#missing++;
      return;
    }
    this.#first = Math.min(this.#first, time);
    if (dropped) return;
    if (time >= this.#lastTime) {
      this.#lastTime = time;
      this.#lastDuration = duration;
    }
    this.#times.push(time);
    if (flags.startsWith('K')) this.#keys.push(time);
  }

  finish(): PacketTimes {
    const times = Float64Array.from(this.#times).sort();
    // Demuxers leave out the durations of reordered frames: the last one lasts as long as most do.
    const steps = times
      .slice(1)
      .map((time, i) => time - Number(times[i]))
      .sort();
    const lastDuration = Number.isNaN(this.#lastDuration)
      ? (steps[steps.length >> 1] ?? 0)
      : this.#lastDuration;
    return {
      times,
      keys: Float64Array.from(this.#keys).sort(),
      firstOfAll: Number.isFinite(this.#first) ? this.#first : null,
      end: times.length === 0 ? null : this.#lastTime + lastDuration,
      packets: this.#packets,
      missing: this.#missing,
      bytes: this.#bytes,
    };
  }
}
