import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../../core/errors.ts';
import type { BuiltNetwork } from '../architecture.ts';
import { BinReader } from './bin-reader.ts';
import { buildGraph } from './build-graph.ts';
import { fillBorders } from './fill-borders.ts';
import { guessInputChannels } from './guess-input-channels.ts';
import { readParam } from './read-param.ts';

/** Networks of thousands of layers take a few hundred kilobytes. */
const MOST_TEXT_BYTES = 16 * 2 ** 20;
/** No upscaler comes near it; what is larger would fill the memory before anything is known of it. */
const MOST_WEIGHT_BYTES = 2 ** 30;

/**
 * Makes an ONNX network of ncnn's two files: the layers in `paramPath`, and the weights in the `.bin` of the same name beside it.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND` where one of the two is missing, with the path that was tried; `MODEL_INVALID` with the
 *   reason, where they are damaged, do not belong together, or have a layer that is not known
 */
export async function importNcnn(paramPath: string): Promise<BuiltNetwork> {
  const binPath = findWeights(paramPath);
  const text = await readWhole(paramPath, MOST_TEXT_BYTES, 'Check the path.');
  const bytes = await readWhole(
    binPath,
    MOST_WEIGHT_BYTES,
    `The weights of ${path.basename(paramPath)} belong beside it under that name.`,
  );
  try {
    const layers = readParam(new TextDecoder().decode(text));
    const channels = guessInputChannels(layers);
    const model = await fillBorders(buildGraph(layers, new BinReader(bytes), channels), channels);
    const convolutions = layers.filter(({ type }) => type.includes('onvolution')).length;
    return { model, title: `ncnn network, ${convolutions} convolutions, ${layers.length} layers` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UpscaleError('MODEL_INVALID', `${paramPath} cannot be made an ONNX network: ${reason}.`, {
      cause: error,
      hint: 'Fetch both files again, or look for the same model as .onnx, .pth or .safetensors.',
    });
  }
}

/** Where the weights of `paramPath` belong. */
export function findWeights(paramPath: string): string {
  return path.join(path.dirname(paramPath), `${path.parse(paramPath).name}.bin`);
}

async function readWhole(file: string, limit: number, hint: string): Promise<Uint8Array> {
  let size: number;
  let bytes: Uint8Array;
  try {
    ({ size } = await stat(file));
    bytes = size > limit ? new Uint8Array() : await readFile(file);
  } catch (error) {
    throw new UpscaleError('MODEL_NOT_FOUND', `The model file ${file} cannot be read.`, {
      cause: error,
      hint,
    });
  }
  if (size > limit) {
    throw new UpscaleError('MODEL_INVALID', `${file} is larger (${size} bytes) than any ncnn upscaler.`, {
      hint: 'Check that it is the file that was meant.',
    });
  }
  return bytes;
}
