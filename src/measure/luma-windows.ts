import { UpscaleError } from '../core/errors.ts';
import { readLuma, type LumaOptions, type LumaPlane } from './luma-plane.ts';

/**
 * Up to three runs of `length` neighbouring frames of a clip, from its first frame and those at one and two thirds on; fewer frames where
 * it ends. Decodes twice, so that no more than those are held.
 *
 * @throws UpscaleError `SOURCE_DAMAGED` where nothing decodes, `FFMPEG_FAILED`, `ABORTED`
 */
export async function readWindows(
  clip: string,
  { length, ...options }: LumaOptions & { readonly grid: number; readonly length: number },
): Promise<LumaPlane[][]> {
  const count = await countFrames(clip, options);
  if (count === 0) {
    throw new UpscaleError('SOURCE_DAMAGED', `${clip} gives no frame to measure on.`, {
      hint: 'Choose another clip.',
    });
  }
  const starts = [...new Set([0, Math.floor(count / 3), Math.floor((2 * count) / 3)])];
  const windows = starts.map((): LumaPlane[] => []);
  let index = 0;
  for await (const plane of readLuma(clip, options)) {
    starts.forEach((start, i) => {
      if (index >= start && index < start + length) windows[i]?.push(plane);
    });
    index++;
  }
  return windows.filter((window) => window.length > 0);
}

async function countFrames(clip: string, options: LumaOptions): Promise<number> {
  const frames = readLuma(clip, options);
  let count = 0;
  while ((await frames.next()).done !== true) count++;
  return count;
}
