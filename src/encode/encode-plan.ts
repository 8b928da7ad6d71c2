import { z } from 'zod';
import { colorSchema, hdrMetadataSchema } from '../core/color.ts';
import { provenanceSchema } from '../core/provenance.ts';
import { rationalSchema } from '../core/schema.ts';

/** How frames become a segment's file: the arguments of one ffmpeg process, decided once. */
export const encodePlanSchema = z.object({
  /** Profile asked for or chosen: `h264`, `prores`, `h264_nvenc`, `png`, ... */
  profile: z.string(),
  /** ffmpeg's encoder: `libx264`, `prores_ks`, ... */
  encoder: z.string(),
  /** Working pixel format in which frames go into the pipe. */
  inputFormat: z.string(),
  /** Pixel format of the file (`rgb24` for PNG where frames are `gbrp`). */
  pixelFormat: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Of the output, 1/1 except where the display shape cannot be had in whole even pixels. */
  sampleAspectRatio: rationalSchema,
  color: colorSchema,
  hdr: hdrMetadataSchema,
  /** Ticks of the frames' `pts`. */
  timeBase: rationalSchema,
  /** Nominal rate, for rate control and timecode; null when nothing tells. */
  frameRate: rationalSchema.nullable(),
  /** Distances between frames vary, or may. */
  variableFrameRate: z.boolean(),
  /** ffmpeg filters between the pipe and the encoder (`setparams`, `scale` to the file's format); often only tags. */
  filters: z.array(z.string()),
  /** Arguments of the encoder (`-c:v`, `-crf`, `-preset`, ..., tags), without input and output. */
  encoderArguments: z.array(z.string()),
  /** Container of a segment: exact times need `mov`; `image2` writes one picture a frame. */
  segmentContainer: z.enum(['mov', 'mp4', 'matroska', 'nut', 'image2']),
  /** File extension of a segment, without the dot; for `image2` that of the pictures. */
  segmentExtension: z.string(),
});
export type EncodePlan = z.infer<typeof encodePlanSchema>;

/** What becomes of one stream of the source. */
export const streamPlanSchema = z.object({
  /** Index in the source. */
  index: z.int(),
  type: z.enum(['audio', 'subtitle', 'data', 'attachment', 'cover']),
  /** In the source. */
  codec: z.string(),
  action: z.enum(['copy', 'transcode', 'drop']),
  /** ffmpeg's encoder for `transcode` (`aac`, `mov_text`, `pcm_s16le`, ...), with its arguments. */
  encoder: z.string().nullable(),
  arguments: z.array(z.string()),
  /** What the source calls a track of sound. */
  title: z.string().nullable().default(null),
  reason: z.string(),
});
export type StreamPlan = z.infer<typeof streamPlanSchema>;

/** How segments and the source's other streams become the file. */
export const assemblePlanSchema = z.object({
  /** Where the output goes: absolute path, a pattern for pictures (`shot.%04d.png`), or `-` for stdout. */
  path: z.string(),
  /** ffmpeg's muxer: `mp4`, `mov`, `matroska`, `webm`, `mpegts`, `nut`, `image2`, ... */
  muxer: z.string(),
  muxerArguments: z.array(z.string()),
  overwrite: z.boolean(),
  source: z.object({
    path: z.string(),
    inputOptions: z.array(z.string()),
    /** Seconds; what ffmpeg subtracts from all times of this input by itself (the container's start time, or 0). */
    startTime: z.number(),
    /** As in the plan for decoding: streams that are read along where the clock jumps. */
    clockStreams: z.array(z.int()).default([]),
    /** The part that is taken, where it is not all: microseconds from the file's start on, and how long. */
    part: z.object({ start: z.int(), length: z.int() }).nullable().default(null),
  }),
  /**
   * What is subtracted from the source's times to get the output's, in ticks of `timeBase`: 0 for containers whose clock starts
   * at zero by definition (mov, mp4, matroska, avi), the earliest stream's start for those with a clock of their own (mpegts, ...);
   * null for the first frame (raw streams).
   */
  originTicks: z.int().nullable(),
  timeBase: rationalSchema,
  streams: z.array(streamPlanSchema),
  chapters: z.boolean(),
  /** Global tags to write, beyond those that are copied. */
  metadata: z.record(z.string(), z.string()),
  videoMetadata: z.record(z.string(), z.string()),
  videoDisposition: z.array(z.string()),
  timecode: z.object({ text: z.string(), reel: z.string().nullable() }).nullable(),
  /** What the output says of how it was made; absent where it shall say nothing. */
  provenance: z
    .object({
      record: provenanceSchema,
      /** Tags that are added to a finished MP4 or QuickTime file; null for other containers, whose tags are in `metadata`. */
      movieTags: z.record(z.string(), z.string()).nullable(),
      /** Whether it is also written as a document beside the output. */
      sidecar: z.boolean(),
    })
    .optional(),
});
export type AssemblePlan = z.infer<typeof assemblePlanSchema>;
