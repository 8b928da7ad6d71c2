import { z } from 'zod';
import { rationalSchema } from '../core/schema.ts';

/** How frames come out of the source: the arguments of one ffmpeg process, decided once. */
export const decodePlanSchema = z.object({
  path: z.string(),
  inputOptions: z.array(z.string()),
  /** Stream index in the container. */
  streamIndex: z.int(),
  /** Decoder asked for by name, or null. */
  decoder: z.string().nullable(),
  /** The filter chain, in order: fields, rotation, format. Each entry is one ffmpeg filter with its arguments. */
  filters: z.array(z.string()),
  /** Working pixel format of the frames that come out (a name of `PIXEL_FORMATS`). */
  format: z.string(),
  /** Size of the frames that come out, after the filters. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Time base of the `pts` of frames; fine enough for doubled rates. */
  timeBase: rationalSchema,
  /** Frames out for each frame decoded: 2 when fields become frames. */
  framesPerInput: z.union([z.literal(1), z.literal(2)]),
  /**
   * `keyframe`: a segment seeks to a key frame before its lead-in; `start`: it decodes from the source's first frame and
   * drops what comes before (sources where seeking does not give the same pixels: raw streams, transport streams, pulldown).
   */
  seek: z.enum(['keyframe', 'start']),
  /**
   * Whether presentation times are taken as the file has them (`-copyts`), or counted by ffmpeg from the file's start with
   * jumps of the clock evened out. Always `true` with `seek: 'keyframe'`.
   */
  copyTimestamps: z.boolean(),
  /**
   * Where jumps are evened out: indices of the picture's stream and of all sound, which ffmpeg does it by. They are read along, here and where the
   * sound is copied, or both would be evened out in ways of their own.
   */
  clockStreams: z.array(z.int()).default([]),
  /** Input frames that a segment decodes before its first and after its last frame so that filters see real neighbours. */
  filterMargin: z.int().nonnegative(),
  /** Decoder threads; 0 leaves it to ffmpeg. */
  threads: z.int().nonnegative(),
});
export type DecodePlan = z.infer<typeof decodePlanSchema>;

/** A run of whole frames: those with `startPts <= pts < endPts`, in ticks of `decode.timeBase`. */
export const segmentPlanSchema = z.object({
  index: z.int().nonnegative(),
  /** Null in the first segment: from the first frame that decodes. */
  startPts: z.int().nullable(),
  /** Null in the last segment: to the last frame that decodes. */
  endPts: z.int().nullable(),
  /**
   * Where decoding starts when the plan seeks: presentation time in ticks of `decode.timeBase` of a key frame that lies
   * at least the lead-in before `startPts`; null for the source's start.
   */
  seekPts: z.int().nullable(),
  /** Frames that should come out, from the packet scan; an estimate for damaged sources. */
  expectedFrames: z.int().nonnegative(),
});
export type SegmentPlan = z.infer<typeof segmentPlanSchema>;
