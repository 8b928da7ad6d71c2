import { countTimecode, framesPerDay, parseTimecode } from '../../core/timecode.ts';
import type { Source } from '../../decode/source.ts';
import type { MediaFacts } from './timeline.ts';

/** What a timeline needs to know of a file; null where it has no steady picture to be upscaled. */
export function toMediaFacts(source: Source): MediaFacts | null {
  const { video, timecode, others } = source;
  const frameRate = video.frameRate ?? video.averageFrameRate;
  if (source.kind !== 'file' || frameRate === null || video.scan.frames < 2) return null;
  const count = countTimecode(timecode?.rate ?? frameRate, timecode?.dropFrame ?? false);
  // Timecode may count pairs of frames: 30 a second for 59.94.
  const framesPerNumber = countTimecode(frameRate, false).framesPerSecond / count.framesPerSecond;
  const start = timecode === null ? 0 : (parseTimecode(timecode.text, count) ?? 0);
  return {
    path: source.path,
    frames: video.scan.frames,
    frameRate,
    startFrame: Math.round(start * framesPerNumber),
    dropFrame: count.dropFrame,
    reel: timecode?.reel ?? null,
    width: video.width,
    height: video.height,
    displayWidth: video.displayWidth,
    displayHeight: video.displayHeight,
    videoIndex: video.index,
    audioIndices: others.filter(({ type }) => type === 'audio').map(({ index }) => index),
  };
}

/** Whether the file's timecode starts over within the file. */
export function crossesMidnight({ startFrame, frames, frameRate, dropFrame }: MediaFacts): boolean {
  return startFrame + frames > framesPerDay(countTimecode(frameRate, dropFrame));
}
