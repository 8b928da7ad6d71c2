import { stat } from 'node:fs/promises';
import { UpscaleError } from '../../core/errors.ts';
import { writeOnnx } from '../graph/onnx-model.ts';
import { parseModel, readModelFile, type ModelFile } from '../read-model.ts';
import { detectFormat, isZip, type ModelFormat } from './detect-format.ts';
import { importNcnn } from './ncnn/import-ncnn.ts';
import { readSafetensors } from './read-safetensors.ts';
import { recognizeNetwork } from './recognize.ts';
import type { StateDict } from './state-dict.ts';
import { readTorchLegacy, readTorchZip } from './torch/read-torch.ts';

/** A model of any format as ONNX. */
export interface ImportedModel {
  /** An ONNX file. */
  readonly bytes: Uint8Array;
  readonly format: ModelFormat;
  /** The community's name of the network; null where the file is a graph already. */
  readonly architecture: string | null;
  /** In words: `SRVGGNetCompact, x2, 64 channels, 16 layers`. */
  readonly title: string;
}

/** More than any network has that runs on single frames, and the most that ONNX can be written with. */
const MOST_FILE_BYTES = 2 ** 31 - 1;

/**
 * Reads a model and makes it ONNX (operator set 17, float32, free sizes). The format is told by content. Nothing in the file is run, and
 * nothing is written.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`; `MODEL_INVALID` with the reason, where the file is damaged, asks for anything but
 *   weights, or holds a network that is not known
 */
export async function importModel(path: string): Promise<ImportedModel> {
  const format = await detectFormat(path);
  if (format === 'ncnn') {
    const { model, title } = await importNcnn(path);
    return { bytes: writeOnnx(model), format, architecture: null, title };
  }
  if ((await stat(path)).size > MOST_FILE_BYTES)
    throw refuseImport(path, new Error('it is larger than 2 GiB'));
  const file = await readModelFile(path);
  if (format === 'onnx')
    return { bytes: await completeOnnx(file), format, architecture: null, title: 'ONNX' };
  try {
    const { model, title, architecture } = recognizeNetwork(await readWeights(file, format));
    return { bytes: writeOnnx(model), format, architecture, title };
  } catch (error) {
    throw refuseImport(path, error);
  }
}

function readWeights({ bytes }: ModelFile, format: ModelFormat): StateDict | Promise<StateDict> {
  if (format === 'safetensors') return readSafetensors(bytes);
  return isZip(bytes) ? readTorchZip(bytes) : readTorchLegacy(bytes);
}

/** An ONNX file as it is, or with the weights in it that lie in files beside. */
async function completeOnnx(file: ModelFile): Promise<Uint8Array> {
  const model = await parseModel(file);
  const weights = model.graph.initializer.reduce((sum, { rawData }) => sum + (rawData?.byteLength ?? 0), 0);
  return weights > file.bytes.length ? writeOnnx(model) : file.bytes;
}

function refuseImport(path: string, cause: unknown): UpscaleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UpscaleError('MODEL_INVALID', `${path} cannot be imported: ${reason}.`, {
    cause,
    hint: 'Weights (a state_dict) of the networks in docs/models.md can be; export others as ONNX.',
  });
}
