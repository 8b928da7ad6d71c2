import { UpscaleError } from '../../src/core/errors.ts';
import { readOnnx, writeOnnx, type OnnxModel } from '../../src/infer/graph/onnx-model.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { placeModel } from './graph-fixture.ts';
import { makePlainNetwork, writeNetwork } from './tiny-networks.ts';

/** A model that is fine. A copy: protobufjs hands out parts of a larger buffer, and slices of those share memory. */
export const good = new Uint8Array(writeNetwork(makePlainNetwork()));

/** What inspecting a file of `bytes` ends in; errors of other kinds are thrown. */
export async function inspectBytes(bytes: Uint8Array): Promise<'fine' | UpscaleError> {
  try {
    await inspectModel(await placeModel(bytes));
    return 'fine';
  } catch (error) {
    if (error instanceof UpscaleError) return error;
    throw error;
  }
}

/** The good model after `edit`. */
export function change(edit: (model: OnnxModel) => void): Uint8Array {
  const model = readOnnx(good);
  edit(model);
  return new Uint8Array(writeOnnx(model));
}
