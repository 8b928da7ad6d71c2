import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import nodePath from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { completeTensors } from './graph/check-tensors.ts';
import { refuseUnbounded } from './graph/refuse-unbounded.ts';
import { readOnnx, type OnnxModel } from './graph/onnx-model.ts';

export interface ModelFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Reads the file of a model. Throws `MODEL_NOT_FOUND` where there is none. */
export async function readModelFile(path: string): Promise<ModelFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UpscaleError('MODEL_NOT_FOUND', `The model ${path} cannot be read.`, {
      cause: error,
      hint: 'Check the path, or name a model that `upreel doctor` lists.',
    });
  }
  return { path, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Decodes a model's graph with all its weights. Throws `MODEL_INVALID`. */
export async function parseModel({ path, bytes }: Pick<ModelFile, 'path' | 'bytes'>): Promise<OnnxModel> {
  try {
    const model = readOnnx(bytes);
    refuseUnbounded(model);
    await completeTensors(model, nodePath.dirname(path));
    return model;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UpscaleError('MODEL_INVALID', `${path} is no ONNX model: ${reason}.`, {
      cause: error,
      hint: 'The file may be damaged or of another kind; fetch it again, or export it as ONNX.',
    });
  }
}
