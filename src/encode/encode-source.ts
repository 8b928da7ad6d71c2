import type { Color, HdrMetadata } from '../core/color.ts';
import type { Rational } from '../core/rational.ts';

/** A stream of the source beside the one that is upscaled, as far as encoding needs to know it. */
export interface EncodeSourceStream {
  readonly index: number;
  readonly type: 'audio' | 'subtitle' | 'data' | 'attachment' | 'cover' | 'video';
  readonly codec: string;
  readonly tag: string;
  readonly language: string | null;
  readonly title: string | null;
  readonly disposition: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly channels: number | null;
  readonly channelLayout: string | null;
  readonly sampleRate: number | null;
  readonly bitsPerSample: number | null;
  readonly startTime: number | null;
  readonly duration: number | null;
}

/** The frames of the source that are taken, in ticks of the frames' time base. */
export interface EncodeRange {
  /** Number of the first one, counted from 0. */
  readonly first: number;
  readonly firstPts: number;
  /** Exact length in seconds. */
  readonly seconds: Rational;
}

/**
 * What encoding needs to know of the source. The decoding stage's `Source` is one; the stages do not import each other, so the shape is
 * written out here.
 */
export interface EncodeSource {
  readonly path: string;
  readonly kind: 'file' | 'image-sequence' | 'image';
  readonly inputOptions: readonly string[];
  readonly container: {
    readonly format: string;
    /** Seconds. */
    readonly startTime: number | null;
    readonly duration: number | null;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly video: {
    readonly index: number;
    readonly pixelFormat: string;
    readonly bits: number;
    readonly hasAlpha: boolean;
    readonly width: number;
    readonly height: number;
    readonly sampleAspectRatio: Rational;
    readonly color: Color;
    readonly hdr: HdrMetadata;
    readonly language: string | null;
    readonly scan: {
      readonly frames: number;
      readonly firstPts: number | null;
      readonly missingPts: number;
      readonly variableFrameRate: boolean;
    };
  };
  /** The clock of the video runs backwards or jumps. */
  readonly discontinuous: boolean;
  readonly others: readonly EncodeSourceStream[];
  readonly chapters: readonly unknown[];
  readonly timecode: {
    readonly text: string;
    readonly dropFrame: boolean;
    readonly rate: Rational | null;
    readonly reel: string | null;
  } | null;
}
