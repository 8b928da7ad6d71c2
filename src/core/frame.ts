import type { PixelFormat } from './pixel-format.ts';

/** One plane of a frame: `width` x `height` samples in the arena, rows tightly packed (stride = width x bytes per sample). */
export interface Plane {
  /** Byte offset of the first sample in the arena. */
  readonly offset: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A decoded picture in the lane's arena. Planes lie one after another without padding, so the whole frame is the
 * `byteLength` bytes at `offset`, exactly as ffmpeg's `rawvideo` has them.
 *
 * A frame has one owner. Yielding or passing it to a stage hands it over; whoever holds it disposes of it once.
 */
export interface Frame {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  /** Presentation time in ticks of the plan's `decode.timeBase`. */
  readonly pts: number;
  readonly offset: number;
  readonly byteLength: number;
  readonly planes: readonly Plane[];
  /** Gives the memory back to the arena. A second call throws `INTERNAL`. */
  dispose(): void;
}
