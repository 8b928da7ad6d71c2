import { isHdrTransfer, type HdrMetadata } from '../core/color.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import { runFfprobe } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { FfprobeStream } from './ffprobe-json.ts';
import { readHdr, type StreamFacts } from './read-video-stream.ts';

/** HDR metadata of the first frame: for many files it stands nowhere else. Empty for other sources, and where the container has it. */
export async function readFrameHdr(
  file: string,
  facts: StreamFacts,
  stream: FfprobeStream,
  options: {
    readonly tools: FfmpegTools;
    readonly inputOptions: readonly string[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<HdrMetadata> {
  const known = readHdr(stream.side_data_list);
  if (
    !isHdrTransfer(facts.color.transfer) ||
    (known.mastering !== undefined && known.contentLight !== undefined)
  ) {
    return {};
  }
  const text = await runFfprobe(
    options.tools,
    [
      ...['-v', 'quiet', ...options.inputOptions, '-select_streams', String(facts.index)],
      ...['-read_intervals', '%+#1', '-show_frames', '-of', 'json', toFfmpegPath(file)],
    ],
    { what: `reading HDR metadata of ${file}`, signal: options.signal },
  ).catch(() => '{}');
  const { frames } = JSON.parse(text) as { frames?: { side_data_list?: Record<string, unknown>[] }[] };
  return readHdr(frames?.[0]?.side_data_list ?? []);
}
