import { scanPackets, type ScanOptions } from './packet-scan.ts';
import type { Source } from './source.ts';

/**
 * Presentation times of all frames of `source`, ascending, in ticks of its video's time base; nothing is decoded for it. Those that have none
 * are left out.
 */
export async function listFrameTimes(
  { path, inputOptions, video }: Pick<Source, 'path' | 'inputOptions' | 'video'>,
  options: Omit<ScanOptions, 'inputOptions'>,
): Promise<Float64Array> {
  const { streams } = await scanPackets(path, { ...options, inputOptions });
  return streams.get(video.index)?.frameTimes ?? new Float64Array();
}
