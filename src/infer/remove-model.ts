import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { RegisteredModel } from './manifest.ts';
import { isShipped, loadRegistry, type RegistryOptions } from './registry.ts';

/**
 * Removes a model of the user's, its folder and all.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`; `USAGE` for models that come with Upreel; `OUTPUT_UNWRITABLE`
 */
export async function removeModel(id: string, options: RegistryOptions = {}): Promise<RegisteredModel> {
  const models = (await loadRegistry(options)).list();
  const model = models.find((entry) => entry.id === id);
  if (model === undefined) {
    const own = models.filter((entry) => !isShipped(entry)).map((entry) => entry.id);
    throw new UpscaleError('MODEL_NOT_FOUND', `There is no model named ${id}.`, {
      hint:
        own.length === 0
          ? 'No model was added yet; see upreel models list.'
          : `Those added are ${own.join(', ')}.`,
    });
  }
  if (isShipped(model)) {
    throw new UpscaleError('USAGE', `${id} comes with Upreel and is not removed.`, {
      hint: 'Only models that were added can be removed; see upreel models list.',
    });
  }
  // Hidden first: a folder that is half gone must not be taken for a model.
  const leaving = path.join(path.dirname(model.directory), `.removing-${id}-${process.pid}`);
  try {
    await rename(model.directory, leaving);
    await rm(leaving, { recursive: true, force: true });
  } catch (error) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `${model.directory} cannot be removed.`, {
      cause: error,
      hint: 'Check the rights of the folder.',
    });
  }
  return model;
}
