import { z } from 'zod';
import { colorSchema } from '../core/color.ts';

export const DEVICES = ['cpu', 'cuda', 'tensorrt', 'directml', 'coreml', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

/** What networks compute in: float16 on accelerators alone, int8 on the CPU alone. */
export const precisionSchema = z.enum(['fp32', 'fp16', 'int8']);
export type Precision = z.infer<typeof precisionSchema>;

/** `cuda, in float16`: what a run ran on, for people. */
export function describePrecision(device: string, precision: Precision): string {
  return precision === 'fp32' ? device : `${device}, in ${precision === 'fp16' ? 'float16' : 'int8'}`;
}

/** What a network's ends look like; read from the graph, a manifest, or found by a probe run. */
export const modelFactsSchema = z.object({
  /** Name for people: the id of a registered model, or the file's name. */
  id: z.string(),
  /** `network`: an ONNX file; `resample`: a baseline (`bicubic`, `lanczos`, `nearest`) that needs none. */
  kind: z.enum(['network', 'resample']),
  /** Absolute path of the ONNX file; null for `resample`. */
  path: z.string().nullable(),
  /** sha256 of the file; null for `resample`. */
  sha256: z.string().nullable(),
  /** Enlargement of one pass; 1 is allowed for `resample` only (any scale). */
  scale: z.number(),
  /** 1: luma (each plane of RGB goes through alone); 3: RGB; 4: RGBA. */
  channels: z.union([z.literal(1), z.literal(3), z.literal(4)]),
  layout: z.enum(['NCHW', 'NHWC']),
  inputName: z.string(),
  outputName: z.string(),
  elementType: z.enum(['uint8', 'uint16', 'float32', 'float16']),
  /** Value of white at the network's ends: 1 or 255 (65535 for uint16). */
  range: z.number(),
  /** Width and height of the input must be multiples of this. */
  multiple: z.int().positive(),
  /** Input sizes that the graph fixes; null for dynamic ones. */
  fixedWidth: z.int().nullable(),
  fixedHeight: z.int().nullable(),
  /** Input samples to each side that one output sample depends on; null when it depends on the whole picture (global pooling). */
  receptiveRadius: z.int().nullable(),
  /** Floating point operations an input sample, from the graph; 0 for `resample`. */
  flopsPerSample: z.number(),
  /** Bytes of activations an input sample that a run holds at its peak, from the graph; 0 for `resample`. */
  bytesPerSample: z.number(),
  /** The same network with weights and features of 8 bit, where there is one; all else is as told above. */
  int8: z
    .object({
      path: z.string(),
      sha256: z.string(),
      /** Whether it costs so little that it is taken unasked. */
      byItself: z.boolean(),
    })
    .optional(),
});
export type ModelFacts = z.infer<typeof modelFactsSchema>;

/** What networks double chroma for: where its samples lie. The first chroma sample of `left` stands over the first luma column, between two rows. */
export const chromaSitingSchema = z.enum(['left', 'center', 'topleft']);

/** A network that doubles the two chroma planes of 4:2:0 frames, with the luma plane, twice their size, as its guide. */
export const chromaNetworkSchema = z.object({
  /** Name for people. */
  id: z.string(),
  siting: chromaSitingSchema,
  /** Absolute path of the ONNX file. */
  path: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Chroma samples to each side that one of the result depends on. */
  receptiveRadius: z.int().nonnegative(),
  /** Floating point operations, and bytes of activations at the peak, a chroma sample of the source. */
  flopsPerSample: z.number(),
  bytesPerSample: z.number(),
});
export type ChromaNetwork = z.infer<typeof chromaNetworkSchema>;

export const resampleFilterSchema = z.enum(['nearest', 'bilinear', 'bicubic', 'lanczos']);
export type ResampleFilter = z.infer<typeof resampleFilterSchema>;

/** From a decoded frame to a frame of the output's size: network passes over the sharp planes, resampling for the rest. */
export const inferPlanSchema = z.object({
  /** Applied one after another; empty for a `resample` model. */
  passes: z.array(modelFactsSchema),
  /** Filter of everything a network does not do: chroma, alpha, and the last fit to the output's size. */
  filter: resampleFilterSchema,
  chromaFilter: resampleFilterSchema,
  /** A network for the chroma planes of the first passes; null where `chromaFilter` does all of it. */
  chroma: z.object({ network: chromaNetworkSchema, passes: z.int().positive() }).nullable(),
  input: z.object({
    format: z.string(),
    width: z.int().positive(),
    height: z.int().positive(),
    color: colorSchema,
  }),
  output: z.object({
    /** Working pixel format; family as the input's, depth and chroma subsampling may differ. */
    format: z.string(),
    width: z.int().positive(),
    height: z.int().positive(),
    chromaLocation: colorSchema.shape.chromaLocation,
  }),
  /** What was asked for; `auto` tries the machine's best. */
  device: z.enum(['auto', ...DEVICES]),
  /** Of accelerators; decided once for all lanes, so that every segment has the same pixels. */
  precision: precisionSchema,
  /** Threads of one session on the CPU. */
  threads: z.int().positive(),
  /** Largest tile of a pass in input samples, border included; null for whole frames. */
  tile: z.object({ width: z.int().positive(), height: z.int().positive() }).nullable(),
  /** Makes frames agree with their source at its own samples: what is taken of the error that is left, step by step. */
  backProjection: z.object({ weights: z.array(z.number().positive()).min(1) }).optional(),
});
export type InferPlan = z.infer<typeof inferPlanSchema>;
