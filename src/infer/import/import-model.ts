import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';

export type ModelFormat = 'onnx' | 'pytorch' | 'safetensors' | 'ncnn';

/** A model of another format as ONNX. */
export interface ImportedModel {
  /** An ONNX file. */
  readonly bytes: Uint8Array;
  readonly format: ModelFormat;
  /** The community's name of the network; null for ONNX, which says nothing of it. */
  readonly architecture: string | null;
  /** In words: `SRVGGNetCompact, x2, 64 channels, 16 layers`. */
  readonly title: string;
}

/** Reads the model at `file` as ONNX. Throws `MODEL_INVALID` for formats that are not known. */
export async function importModel(file: string): Promise<ImportedModel> {
  if (path.extname(file).toLowerCase() !== '.onnx') {
    throw new UpscaleError('MODEL_INVALID', `${file} is of a format that cannot be imported.`, {
      hint: 'Export the model as ONNX.',
    });
  }
  return { bytes: await readFile(file), format: 'onnx', architecture: null, title: path.parse(file).name };
}
