import { z } from 'zod';
import { decisionSchema, noticeSchema } from '../core/notice.ts';
import { rationalSchema } from '../core/schema.ts';
import { decodePlanSchema, segmentPlanSchema } from '../decode/decode-plan.ts';
import { sourceSchema } from '../decode/source.ts';
import { assemblePlanSchema, encodePlanSchema } from '../encode/encode-plan.ts';
import { inferPlanSchema, precisionSchema } from '../infer/infer-plan.ts';
import { temporalPlanSchema } from '../temporal/temporal-plan.ts';

/** Raised whenever a plan of an older version would give other pixels or could not be run. */
export const PLAN_VERSION = 4;

export const resourcesSchema = z.object({
  /** Segments that run at the same time, each in a worker of its own. */
  lanes: z.int().positive(),
  /** Bytes of one lane's arena. */
  arenaBytes: z.int(),
  /** Bytes of one lane's inference activations and weights. */
  inferenceBytes: z.int(),
  /** Bytes of one lane's encoder and decoder processes. */
  encoderBytes: z.int(),
  decoderBytes: z.int(),
  /** Bytes of the main thread and the runtime's own. */
  baseBytes: z.int(),
  /** Peak resident bytes of the whole process tree that this run should need. */
  memoryBytes: z.int(),
  /** What `--memory` or the machine allows. */
  memoryLimitBytes: z.int(),
  /** Bytes of disk while running (segments and the file), and of the file; estimates. */
  diskBytes: z.int(),
  outputBytes: z.int(),
  /** Estimated wall seconds on this machine. */
  seconds: z.number(),
});
export type Resources = z.infer<typeof resourcesSchema>;

export const planSchema = z.object({
  version: z.literal(PLAN_VERSION),
  /** sha256 over everything that decides pixels and times; the identity of the work. */
  hash: z.string(),
  source: sourceSchema,
  decode: decodePlanSchema,
  temporal: temporalPlanSchema,
  infer: inferPlanSchema,
  /** For previews: brings the source's frame, untouched else, into the output's format; it is encoded below the upscaled one. */
  beside: inferPlanSchema.optional(),
  encode: encodePlanSchema,
  assemble: assemblePlanSchema,
  segments: z.array(segmentPlanSchema).min(1),
  geometry: z.object({
    /** Display picture of the source in square pixels. */
    displayWidth: z.int(),
    displayHeight: z.int(),
    /** Output picture. */
    width: z.int(),
    height: z.int(),
    /** Enlargement of the display picture. */
    magnification: z.number(),
  }),
  /** Frames that should come out. */
  expectedFrames: z.int(),
  /** Nominal rate of the output. */
  frameRate: rationalSchema.nullable(),
  /** How long the last frame of all is shown, in ticks of `decode.timeBase`, where that is no usual distance; null for as long as others. */
  lastFrameTicks: z.int().positive().nullable().default(null),
  resources: resourcesSchema,
  strict: z.boolean(),
  decisions: z.array(decisionSchema),
  notices: z.array(noticeSchema),
});

/** Every decision of a run, made once. Plain JSON; `runSegment(plan, i)` needs nothing else. */
export type Plan = z.infer<typeof planSchema>;

export const segmentResultSchema = z.object({
  index: z.int(),
  /** File (or folder of pictures) in the work directory. */
  path: z.string(),
  bytes: z.int(),
  /** sha256 of the file, so that a torn or altered segment is found. */
  sha256: z.string(),
  frames: z.int(),
  firstPts: z.int(),
  lastPts: z.int(),
  /** Presentation times of all frames, ticks of `decode.timeBase`. */
  pts: z.array(z.int()),
  /** Decoder's complaints. */
  complaints: z.array(z.string()),
  device: z.string(),
  /** What the networks computed in. */
  precision: precisionSchema,
  /** Why other devices were not used. */
  deviceTried: z.array(z.object({ device: z.string(), error: z.string() })),
  /** Seconds that the stages were busy, for the share of each. */
  stageSeconds: z.object({ decode: z.number(), temporal: z.number(), infer: z.number(), encode: z.number() }),
  peakArenaBytes: z.int(),
});
export type SegmentResult = z.infer<typeof segmentResultSchema>;
