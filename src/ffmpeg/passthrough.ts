import type { FfmpegTools } from './tools.ts';

/** The output option that keeps every frame with its own time: `-vsync` until ffmpeg 5.0, `-fps_mode` since. */
export function keepFrameTimes(tools: Pick<FfmpegTools, 'features'>): string[] {
  return [tools.features.fpsMode ? '-fps_mode' : '-vsync', 'passthrough'];
}
