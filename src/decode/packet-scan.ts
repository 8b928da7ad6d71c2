import { throwIfAborted } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { PacketCollector, type PacketSummary } from './packet-collector.ts';

export interface ScanOptions {
  readonly tools: FfmpegTools;
  readonly inputOptions: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** What a scan of all packets of a file's real video streams (no cover art) found. */
export interface ScanResult {
  /** By stream index. */
  readonly streams: ReadonlyMap<number, PacketSummary>;
  /** The demuxer came to the end without an error. */
  readonly ended: boolean;
  /** Some packets are encrypted (MPEG common encryption). */
  readonly encrypted: boolean;
  readonly stderr: string;
}

/** Lists all packets of the real video streams; decodes nothing. */
export async function scanPackets(path: string, options: ScanOptions): Promise<ScanResult> {
  const child = startProcess(
    options.tools.ffprobe,
    [
      ...['-v', 'level+warning', ...options.inputOptions, '-select_streams', 'V'],
      ...[
        '-show_entries',
        'packet=stream_index,pts,dts,duration,size,flags:packet_side_data=side_data_type',
        '-of',
        'csv=p=0',
      ],
      toFfmpegPath(path),
    ],
    { label: 'packet scan', stdin: 'ignore', stdout: 'pipe', signal: options.signal, logger: options.logger },
  );
  const collectors = new Map<number, PacketCollector>();
  let encrypted = false;
  const add = (line: string): void => {
    // The order is ffprobe's own; columns of side data may follow.
    const [stream, pts, dts, duration, size, flags] = line.trim().split(',');
    if (flags === undefined) return;
    encrypted ||= line.includes('Encryption info');
    const index = Number(stream);
    const collector = collectors.get(index) ?? new PacketCollector();
    collectors.set(index, collector);
    collector.add({
      pts: readTicks(pts),
      dts: readTicks(dts),
      duration: readTicks(duration) ?? 0,
      size: Number(size),
      key: flags.startsWith('K'),
      discarded: flags.includes('D'),
    });
  };
  let rest = '';
  child.stdout?.setEncoding('latin1');
  child.stdout?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) add(line);
  });
  const exit = await child.exited;
  throwIfAborted(options.signal);
  add(rest);
  const streams = new Map([...collectors].map(([index, collector]) => [index, collector.summarise()]));
  return { streams, ended: exit.code === 0, encrypted, stderr: exit.stderr };
}

function readTicks(text: string | undefined): number | null {
  return text === undefined || text === 'N/A' || text === '' ? null : Number(text);
}
