import { z } from 'zod';
import { colorSchema, hdrMetadataSchema } from '../core/color.ts';
import { noticeSchema } from '../core/notice.ts';
import { provenanceSchema } from '../core/provenance.ts';
import { rationalSchema } from '../core/schema.ts';

/** How the lines of a frame are spread over time. `telecine`: film in an interlaced stream by 3:2 pulldown. */
export const fieldKindSchema = z.enum(['progressive', 'tff', 'bff', 'telecine', 'unknown']);
export type FieldKind = z.infer<typeof fieldKindSchema>;

export const fieldAnalysisSchema = z.object({
  /** What the file says: ffprobe's `field_order` mapped; `unknown` without a tag. */
  tagged: fieldKindSchema,
  /** What it is, after looking at frames; what plan goes by. */
  found: fieldKindSchema,
  /** Top field first (true) or bottom first, for `tff`, `bff` and `telecine`; null for progressive. */
  topFieldFirst: z.boolean().nullable(),
  /** Whether some frames are flagged or look progressive and others interlaced. */
  mixed: z.boolean(),
  /** One sentence: why `found` is what it is. */
  reason: z.string(),
  /** Frames looked at, how many of them show motion enough to tell, and what those look like. */
  evidence: z.object({
    frames: z.int(),
    telling: z.int(),
    combed: z.int(),
    progressive: z.int(),
  }),
});
export type FieldAnalysis = z.infer<typeof fieldAnalysisSchema>;

/** What a scan of all the video stream's packets found; nothing is decoded for it. All times in ticks of `video.timeBase`. */
export const packetScanSchema = z.object({
  /** Packets that are frames to be shown (packets flagged `D` for discard are not counted). */
  frames: z.int(),
  /** First and last presentation time; null when packets carry none (raw elementary streams). */
  firstPts: z.int().nullable(),
  lastPts: z.int().nullable(),
  /** How long the container says that the last frame is shown, in ticks; null where it does not. */
  lastDuration: z.int().positive().nullable().default(null),
  /** Presentation times of key frames, ascending. */
  keyframes: z.array(z.int()),
  /** Every frame is a key frame. */
  intraOnly: z.boolean(),
  /** Distance between neighbouring presentation times in ticks: smallest, median, largest. Null for fewer than 2 frames. */
  step: z.object({ min: z.int(), median: z.int(), max: z.int() }).nullable(),
  /** Distances differ by more than rounding. */
  variableFrameRate: z.boolean(),
  missingPts: z.int(),
  duplicatePts: z.int(),
  /** The container's end was reached without a demuxer complaint. */
  complete: z.boolean(),
  /** Complaints of the demuxer, at most 20. */
  complaints: z.array(z.string()),
});
export type PacketScan = z.infer<typeof packetScanSchema>;

export const videoStreamSchema = z.object({
  /** Index in the container. */
  index: z.int(),
  codec: z.string(),
  profile: z.string().nullable(),
  /** Size as decoded, after the codec's own cropping, before rotation and pixel aspect. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** ffmpeg's name, as decoded; any format, not only working formats. */
  pixelFormat: z.string(),
  bits: z.int(),
  hasAlpha: z.boolean(),
  /** Decoder to ask for by name when the default one would lose something (`libvpx-vp9` for VP9 alpha); null for the default. */
  decoder: z.string().nullable(),
  /** 1/1 when the file has none or an impossible one. */
  sampleAspectRatio: rationalSchema,
  /** Degrees clockwise that the decoded picture must be turned to be upright: 0, 90, 180, 270. Then mirrored, if so. */
  rotation: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
  mirrored: z.boolean(),
  /** Pixels of the picture as seen: after pixel aspect (larger side kept or widened, never shrunk) and rotation. */
  displayWidth: z.int().positive(),
  displayHeight: z.int().positive(),
  /** Nominal (`r_frame_rate`, made sane) and average rate in frames a second; null where nothing tells. */
  frameRate: rationalSchema.nullable(),
  averageFrameRate: rationalSchema.nullable(),
  timeBase: rationalSchema,
  /** As tagged in the file; `unknown` where it is not. */
  color: colorSchema,
  hdr: hdrMetadataSchema,
  fields: fieldAnalysisSchema,
  scan: packetScanSchema,
  /** BCP-47 or ISO 639 as in the file. */
  language: z.string().nullable(),
});
export type VideoStream = z.infer<typeof videoStreamSchema>;

export const otherStreamSchema = z.object({
  index: z.int(),
  /** `video` here is a further video stream; `cover` an attached picture. */
  type: z.enum(['audio', 'subtitle', 'data', 'attachment', 'cover', 'video']),
  codec: z.string(),
  /** `codec_tag_string`, for example `tmcd`. */
  tag: z.string(),
  language: z.string().nullable(),
  title: z.string().nullable(),
  disposition: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  channels: z.int().nullable(),
  channelLayout: z.string().nullable(),
  sampleRate: z.int().nullable(),
  bitsPerSample: z.int().nullable(),
  /** Seconds; null when unknown. */
  startTime: z.number().nullable(),
  duration: z.number().nullable(),
});
export type OtherStream = z.infer<typeof otherStreamSchema>;

export const sourceSchema = z.object({
  /** Absolute path; for image sequences the pattern. */
  path: z.string(),
  kind: z.enum(['file', 'image-sequence', 'image']),
  /** Options that must stand before `-i` to read it as probed (`-f image2 -framerate 25 -start_number 1`, `-f h264`, ...). */
  inputOptions: z.array(z.string()),
  container: z.object({
    /** ffmpeg's demuxer name, for example `mov,mp4,m4a,3gp,3g2,mj2`. */
    format: z.string(),
    /** Seconds; of the earliest stream. */
    startTime: z.number().nullable(),
    duration: z.number().nullable(),
    bitRate: z.number().nullable(),
    tags: z.record(z.string(), z.string()),
  }),
  /** Cheap identity of the content: size in bytes, mtime in ms, sha256 over its first, middle and last MiB and the size. */
  identity: z.object({ size: z.int(), mtimeMs: z.number(), sampleSha256: z.string() }),
  video: videoStreamSchema,
  /** The clock of the video runs backwards or jumps by more than ten seconds: a recording that was cut or joined. */
  discontinuous: z.boolean(),
  /** All other streams, in file order. */
  others: z.array(otherStreamSchema),
  chapters: z.array(z.object({ start: z.number(), end: z.number(), title: z.string().nullable() })),
  timecode: z
    .object({
      /** `01:00:00:00`, or with `;` before the frames for drop-frame. */
      text: z.string(),
      dropFrame: z.boolean(),
      /** Rate that the timecode counts in; null when only a tag says the text. */
      rate: rationalSchema.nullable(),
      reel: z.string().nullable(),
    })
    .nullable(),
  /** What the file, or the document beside it, says of having been upscaled; null when it says nothing. */
  provenance: provenanceSchema.nullable().default(null),
  notices: z.array(noticeSchema),
});

/** What a file really is: `probe(path)` gives it, nothing in it is guessed or defaulted in silence. Plain JSON. */
export type Source = z.infer<typeof sourceSchema>;
