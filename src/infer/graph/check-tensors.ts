import { open } from 'node:fs/promises';
import path from 'node:path';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from './onnx-model.ts';
import { countElements } from './tensor-values.ts';

/** Bytes of an element by `TensorProto.DataType`; text, complex numbers and what is packed into half bytes are not listed. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  16: 2,
};

/**
 * Checks that every weight has the bytes that its shape promises, and brings in those that lie in files beside the model: a
 * composed graph is handed on as bytes and has no folder to look in. Throws an `Error` that says what is wrong.
 */
export async function completeTensors(model: OnnxModel, directory: string): Promise<void> {
  const inFunctions = (model.functions ?? []).flatMap(({ node }) => listConstants(node));
  for (const tensor of [...listTensors(model.graph), ...inFunctions]) {
    if (tensor.dataLocation === 1) await readExternalData(tensor, directory);
    checkTensor(tensor);
  }
}

function listTensors(graph: OnnxGraph): OnnxTensor[] {
  const sparse = (graph.sparseInitializer ?? []).flatMap(({ values, indices }) => [values, indices]);
  return [...graph.initializer, ...sparse.filter((tensor) => tensor != null), ...listConstants(graph.node)];
}

function listConstants(nodes: readonly OnnxNode[]): OnnxTensor[] {
  return nodes.flatMap(({ attribute }) =>
    attribute.flatMap(({ t, tensors, g, graphs }) => [
      ...(t == null ? [] : [t]),
      ...(tensors ?? []),
      ...[...(g == null ? [] : [g]), ...(graphs ?? [])].flatMap(listTensors),
    ]),
  );
}

function checkTensor(tensor: OnnxTensor): void {
  const count = countElements(tensor);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new Error(`the shape of its weight ${tensor.name} makes no sense`);
  }
  const bytes = ELEMENT_BYTES[tensor.dataType];
  const raw = tensor.rawData?.byteLength ?? 0;
  if (bytes !== undefined && raw > 0 && raw !== count * bytes) {
    throw new Error(`its weight ${tensor.name} has ${raw} bytes where ${count * bytes} belong`);
  }
}

async function readExternalData(tensor: OnnxTensor, directory: string): Promise<void> {
  const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const file = path.resolve(directory, location);
  // A file from elsewhere on the disk is none of a model's business.
  if (location === '' || path.isAbsolute(location) || path.relative(directory, file).startsWith('..')) {
    throw new Error(`its weight ${tensor.name} lies outside of its folder (${location})`);
  }
  const length = countElements(tensor) * (ELEMENT_BYTES[tensor.dataType] ?? NaN);
  const offset = Number(entries.get('offset') ?? '0');
  const handle = await open(file).catch(() => {
    throw new Error(`its weights in ${location} are missing`);
  });
  try {
    const { size } = await handle.stat();
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      throw new Error(`its weights in ${location} are cut short`);
    }
    const bytes = new Uint8Array(length);
    await handle.read(bytes, 0, length, offset);
    tensor.rawData = bytes;
  } finally {
    await handle.close();
  }
  delete tensor.dataLocation;
  tensor.externalData = [];
}
