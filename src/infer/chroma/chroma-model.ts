import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UpscaleError } from '../../core/errors.ts';
import { silentLogger, type Logger } from '../../core/logger.ts';
import { chromaNetworkSchema, type ChromaNetwork } from '../infer-plan.ts';
import { modelDirectories } from '../registry.ts';

/** Folder of the chroma networks, in each folder of models. */
const FOLDER = 'chroma';

/** `manifest.json` of the chroma networks: what a whole picture cannot be upscaled with, so none is found by name. */
export const chromaManifestSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  role: z.literal('chroma'),
  title: z.string().min(1),
  /** Of the weights; grows whenever they change. */
  version: z.string().min(1),
  description: z.string().min(1),
  license: z.string().min(1),
  architecture: z.string().min(1),
  content: z.string().min(1),
  /** What they were trained on, and under which licences that is. */
  trainingData: z.string().min(1),
  /** Gains in dB, the mean of U and V, by siting, filter and what the pictures went through before. */
  measured: z
    .strictObject({
      on: z.string(),
      gains: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.number()))),
    })
    .optional(),
  /** One for each siting; each ONNX file stands beside the manifest. */
  networks: z.array(
    chromaNetworkSchema
      .omit({ id: true, path: true })
      .extend({ file: z.string().regex(/^[^/\\]+\.onnx$/) })
      .strict(),
  ),
});

/**
 * The chroma networks of the first folder that has any. A manifest that is damaged is passed over with a warning.
 *
 * @param options - `directories`: folders of models; by default those of {@link modelDirectories}.
 */
export async function loadChromaNetworks(
  options: { readonly directories?: readonly string[]; readonly logger?: Logger } = {},
): Promise<readonly ChromaNetwork[]> {
  const { directories = modelDirectories(), logger = silentLogger } = options;
  for (const directory of directories) {
    try {
      const networks = await readChromaManifest(path.join(directory, FOLDER));
      if (networks !== null) return networks;
    } catch (error) {
      logger.warn(error instanceof Error ? error.message : String(error));
    }
  }
  return [];
}

async function readChromaManifest(folder: string): Promise<ChromaNetwork[] | null> {
  const file = path.join(folder, 'manifest.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { id, networks } = chromaManifestSchema.parse(JSON.parse(text));
    return networks.map(({ file: name, ...facts }) => ({
      ...facts,
      id: `${id}-${facts.siting}`,
      path: path.join(folder, name),
    }));
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
    throw new UpscaleError('MODEL_INVALID', `${file} is no manifest of chroma networks.`, {
      cause: error,
      details: reason,
      hint: 'Mend the file, or remove its folder.',
    });
  }
}
