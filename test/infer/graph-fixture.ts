import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { makeNode, makeValueInfo, ONNX_TYPE, writeOnnx } from '../../src/infer/graph/onnx-model.ts';
import type { OnnxModel, OnnxNode, OnnxTensor } from '../../src/infer/graph/onnx-model.ts';
import { makeFloats } from '../../src/infer/graph/tensor-values.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-models-'));
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

let written = 0;

/** Writes bytes or a model as a file, removed after the tests; returns its path. */
export async function placeModel(model: OnnxModel | Uint8Array, name = `net${written++}`): Promise<string> {
  const file = path.join(directory, `${name}.onnx`);
  await writeFile(file, model instanceof Uint8Array ? model : writeOnnx(model));
  return file;
}

export interface NetworkTraits {
  readonly channels?: number;
  readonly outputChannels?: number;
  readonly layout?: 'NCHW' | 'NHWC';
  readonly isHalf?: boolean;
  readonly scale?: number;
  /** Side of the first convolution; 1 repeats samples and nothing else. @defaultValue 1 */
  readonly kernel?: number;
  /** Declared sizes: channels, height, width. @defaultValue the channels, free sizes */
  readonly declared?: readonly (number | string)[];
  /** Clips the result between 0 and this. */
  readonly ceiling?: number;
  readonly opset?: number;
  readonly irVersion?: number;
}

/** A network: convolution, activation, a second convolution to subpixels, shuffle. With kernel 1 it repeats each sample. */
export function makeNetwork(traits: NetworkTraits = {}): OnnxModel {
  const { channels = 1, outputChannels = channels, layout = 'NCHW', isHalf = false } = traits;
  const { scale = 2, kernel = 1, ceiling, opset = 17, irVersion = 8 } = traits;
  const initializer: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  let value = 'x';
  const append = (operation: string, inputs: string[], attributes = {}): void => {
    const output = `v${nodes.length}`;
    nodes.push(makeNode(operation, [value, ...inputs], [output], attributes));
    value = output;
  };
  if (isHalf) append('Cast', [], { to: ONNX_TYPE.float });
  if (layout === 'NHWC') append('Transpose', [], { perm: [0, 3, 1, 2] });
  const side = Math.floor(kernel / 2);
  initializer.push(
    makeFloats('w1', [channels, channels, kernel, kernel], spread(channels, channels, kernel)),
  );
  append('Conv', ['w1'], { pads: [side, side, side, side], kernel_shape: [kernel, kernel] });
  append('Relu', []);
  const subpixels = outputChannels * scale * scale;
  const weights = Array.from({ length: subpixels * channels }, (_, i) =>
    Math.floor(Math.floor(i / channels) / (scale * scale)) === i % channels ? 1 : 0,
  );
  initializer.push(makeFloats('w2', [subpixels, channels, 1, 1], weights));
  append('Conv', ['w2'], { kernel_shape: [1, 1] });
  append('DepthToSpace', [], { blocksize: scale, ...(opset >= 11 ? {} : {}) });
  const shuffle = nodes.at(-1);
  if (opset >= 11) {
    shuffle?.attribute.push({ name: 'mode', type: 3, s: new TextEncoder().encode('CRD') });
  }
  if (ceiling !== undefined) {
    initializer.push(makeFloats('low', [], [0]), makeFloats('high', [], [ceiling]));
    append('Clip', ['low', 'high']);
  }
  if (layout === 'NHWC') append('Transpose', [], { perm: [0, 2, 3, 1] });
  if (isHalf) append('Cast', [], { to: ONNX_TYPE.float16 });
  append('Identity', []);
  const last = nodes.at(-1);
  if (last !== undefined) last.output[0] = 'y';
  const type = isHalf ? ONNX_TYPE.float16 : ONNX_TYPE.float;
  const [c = channels, h = 'h', w = 'w'] = traits.declared ?? [];
  return {
    irVersion,
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'net',
      node: nodes,
      initializer,
      input: [makeValueInfo('x', type, layout === 'NCHW' ? [1, c, h, w] : [1, h, w, c])],
      output: [makeValueInfo('y', type, ['n', 'a', 'b', 'c'])],
      valueInfo: [],
    },
  };
}

/** Weights of a convolution that looks to all sides, unequally, and keeps flat ground as it is. */
function spread(outputs: number, inputs: number, kernel: number): number[] {
  const area = kernel * kernel;
  const taps = Array.from({ length: area }, (_, i) => 1 + ((i * 7) % 5) / 4);
  const sum = taps.reduce((a, b) => a + b, 0);
  return Array.from({ length: outputs * inputs * area }, (_, i) => {
    const pair = Math.floor(i / area);
    return Math.floor(pair / inputs) === pair % inputs ? (taps[i % area] ?? 0) / sum : 0;
  });
}
