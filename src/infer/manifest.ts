import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UpscaleError } from '../core/errors.ts';
import { modelFactsSchema, type ModelFacts } from './infer-plan.ts';

const gainsSchema = z.strictObject({
  against: z.string(),
  on: z.string(),
  gains: z.record(z.string(), z.number()),
});

const networkSchema = z.strictObject({
  /** The ONNX file, beside the manifest. */
  file: z.string().regex(/^[^/\\]+\.onnx$/),
  facts: modelFactsSchema
    .omit({ id: true, kind: true, path: true, int8: true })
    .extend({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  /** The same network with weights and features of 8 bit, which `training/quantise.py` wrote. */
  int8: z
    .strictObject({
      file: z.string().regex(/^[^/\\]+\.onnx$/),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      /** Taken unasked where the processor gains by it: it costs hardly anything. @defaultValue false */
      byItself: z.boolean().default(false),
      measuredOnSamples: gainsSchema.optional(),
    })
    .optional(),
  /** Gains over a filter, in dB of Y-PSNR, by what the pictures went through before. */
  measured: gainsSchema.optional(),
  /** The same gains on `samples/truth`, which `scripts/measure-models.ts` writes and a test measures again. */
  measuredOnSamples: gainsSchema.optional(),
});

/** `manifest.json` of a model's folder. */
export const manifestSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  /** One sentence for people: what it is good for, and its cost. */
  description: z.string().min(1),
  license: z.string().min(1),
  /** Name for people. */
  title: z.string().min(1).optional(),
  /** Of the weights; grows whenever they change. */
  version: z.string().min(1).optional(),
  architecture: z.string().min(1).optional(),
  /** What footage it is for. */
  content: z.string().min(1).optional(),
  /** What it was trained on, and under which licences that is. */
  trainingData: z.string().min(1).optional(),
  /** Speed, as `scripts/measure-models.ts` measured it. */
  speed: z
    .strictObject({
      /** Processor that it ran on. */
      machine: z.string(),
      /** Of the frames that go in: `640x360`. */
      size: z.string(),
      threads: z.int().positive(),
      /** Median milliseconds for a frame. */
      milliseconds: z.number().positive(),
      /** The model that it was compared with in the same run, and this one's time over that one's. */
      against: z.string(),
      ratio: z.number().positive(),
    })
    .optional(),
  /** Where a model that was added came from. */
  source: z
    .strictObject({
      /** File name, or URL without credentials and query. */
      from: z.string().min(1),
      /** Of the file that came; of a pair of files, of one after the other. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      format: z.string().min(1),
    })
    .optional(),
  /** Taken where none is named. One model of a registry has it. @defaultValue false */
  default: z.boolean().default(false),
  /** Taken for recordings by camcorders and discs where none is named. @defaultValue false */
  recordings: z.boolean().default(false),
  /** Taken for sources in RGB where none is named: it sees the three planes at once. @defaultValue false */
  rgb: z.boolean().default(false),
  /** Never among those that a preview or a live source steps through: too much work for what it gains, or for special footage. @defaultValue false */
  onlyByName: z.boolean().default(false),
  ...networkSchema.shape,
  /** The same network for larger scales, of which one pass does the work of several; each is found as `ID-xSCALE`. @defaultValue none */
  larger: z.array(networkSchema).default([]),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** A model with a manifest. */
export interface RegisteredModel {
  readonly id: string;
  readonly description: string;
  readonly license: string;
  readonly isDefault: boolean;
  readonly facts: ModelFacts;
  /** The same network for larger scales. */
  readonly larger: readonly ModelFacts[];
  /** All that `manifest.json` says. */
  readonly manifest: Manifest;
  /** The model's folder. */
  readonly directory: string;
}

/** What a manifest has that describes no upscaler of whole pictures, but a part that another one uses. */
const partSchema = z.looseObject({ role: z.string() });

/** Reads `manifest.json` in `directory`; null where it has another role. Throws `MODEL_INVALID` where it is none. */
export async function readManifest(directory: string): Promise<RegisteredModel | null> {
  const file = path.join(directory, 'manifest.json');
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (partSchema.safeParse(content).success) return null;
    const manifest = manifestSchema.parse(content);
    const { id, description, license } = manifest;
    return {
      id,
      description,
      license,
      isDefault: manifest.default,
      facts: describeNetwork(id, directory, manifest),
      larger: manifest.larger.map((network) =>
        describeNetwork(`${id}-x${String(network.facts.scale)}`, directory, network),
      ),
      manifest,
      directory,
    };
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
    throw new UpscaleError('MODEL_INVALID', `${file} is no manifest of a model.`, {
      cause: error,
      details: reason,
      hint: 'Mend the file, or remove its folder.',
    });
  }
}

function describeNetwork(
  id: string,
  directory: string,
  { file, facts, int8 }: z.infer<typeof networkSchema>,
): ModelFacts {
  const twin = int8 && {
    path: path.join(directory, int8.file),
    sha256: int8.sha256,
    byItself: int8.byItself,
  };
  return { id, kind: 'network', path: path.join(directory, file), ...facts, ...(twin && { int8: twin }) };
}
