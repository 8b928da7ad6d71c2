import { activate } from './activate.ts';
import { firstOf, refuseLayer, type Blob, type LayerContext, type LayerConverter } from './blob.ts';
import type { NcnnLayer } from './read-param.ts';

/** What ncnn writes for padding that keeps the size, the odd sample at the end or at the start. */
const SAME_UPPER = -233;
const SAME_LOWER = -234;
/** What enlarges by more would only take all memory when it is tried out. */
const MOST_STRIDE = 16;

interface Kernel {
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  readonly width: number;
  readonly height: number;
  readonly group: number;
  readonly count: number;
}

/** Convolution, ConvolutionDepthWise: weights lie as in ONNX, outputs first. */
export const convertConvolution: LayerConverter = (layer, inputs, context) => {
  const { graph, weights } = context;
  const { params } = layer;
  const kernel = readKernel(layer);
  const input = asPicture(layer, firstOf(layer, inputs), kernel, context);
  const weight = graph.tensor({
    dims: [kernel.outputs, kernel.inputs, kernel.height, kernel.width],
    data: weights.readTagged(kernel.count),
  });
  const bias = readBias(layer, kernel, context);
  const padding = readPadding(layer);
  const padValue = params.float(18, 0);
  let { value } = input;
  if (padValue !== 0 && 'pads' in padding) {
    const pads = graph.integers([0, 0, ...padding.pads.slice(0, 2), 0, 0, ...padding.pads.slice(2)]);
    value = graph.node('Pad', [value, pads, graph.scalar(padValue)]);
  }
  const result = graph.node('Conv', [value, weight, ...bias], {
    kernel_shape: [kernel.height, kernel.width],
    strides: readPair(layer, 13, 3),
    dilations: readPair(layer, 12, 2),
    group: kernel.group,
    ...(padValue === 0 || 'auto_pad' in padding ? padding : {}),
  });
  return [finish(layer, result, kernel, firstOf(layer, inputs), context)];
};

/** Deconvolution, DeconvolutionDepthWise: ncnn has outputs before inputs, ONNX the other way round. */
export const convertDeconvolution: LayerConverter = (layer, inputs, context) => {
  const { graph, weights } = context;
  const { params } = layer;
  if (params.integer(20, 0) !== 0 || params.integer(21, 0) !== 0) {
    throw refuseLayer(layer, 'fixes the size of what it gives');
  }
  const kernel = readKernel(layer);
  const input = asPicture(layer, firstOf(layer, inputs), kernel, context);
  const weight = graph.tensor({
    dims: [kernel.inputs * kernel.group, kernel.outputs / kernel.group, kernel.height, kernel.width],
    data: swapInputsAndOutputs(weights.readTagged(kernel.count), kernel),
  });
  const bias = readBias(layer, kernel, context);
  const padding = readPadding(layer);
  if ('auto_pad' in padding) throw refuseLayer(layer, 'leaves its padding open');
  const strides = readPair(layer, 13, 3);
  if (Math.max(...strides) > MOST_STRIDE) throw refuseLayer(layer, 'enlarges by more than any upscaler does');
  const result = graph.node('ConvTranspose', [input.value, weight, ...bias], {
    kernel_shape: [kernel.height, kernel.width],
    strides,
    dilations: readPair(layer, 12, 2),
    output_padding: [params.size(19, params.size(18, 0)), params.size(18, 0)],
    group: kernel.group,
    ...padding,
  });
  return [finish(layer, result, kernel, firstOf(layer, inputs), context)];
};

/** InnerProduct: of rows, or of all that a small blob holds. */
export const convertInnerProduct: LayerConverter = (layer, inputs, context) => {
  const { graph, weights } = context;
  const { params } = layer;
  const input = firstOf(layer, inputs);
  refuseIntegers(layer);
  const outputs = params.size(0, 0, 1);
  const count = params.size(2, 0, 1);
  if (count % outputs !== 0) throw refuseLayer(layer, `has ${count} weights for ${outputs} outputs`);
  const rows = input.rank === 3 ? graph.node('Reshape', [input.value, graph.integers([1, -1])]) : input.value;
  const weight = graph.tensor({ dims: [outputs, count / outputs], data: weights.readTagged(count) });
  let value = graph.node('MatMul', [rows, graph.node('Transpose', [weight], { perm: [1, 0] })]);
  if (params.integer(1, 0) !== 0) {
    value = graph.add(value, graph.tensor({ dims: [outputs], data: weights.readPlain(outputs) }));
  }
  value = activate(graph, value, params.integer(9, 0), params.list(10));
  return [input.rank === 2 ? { ...input, value } : { value, rank: 1, channels: outputs }];
};

function readKernel(layer: NcnnLayer): Kernel {
  const { params } = layer;
  refuseIntegers(layer);
  if (params.integer(layer.type.startsWith('De') ? 28 : 19, 0) !== 0) {
    throw refuseLayer(layer, 'takes its weights from another layer');
  }
  const outputs = params.size(0, 0, 1);
  const width = params.size(1, 0, 1);
  const height = params.size(11, width, 1);
  const group = layer.type.endsWith('DepthWise') ? params.size(7, 1, 1) : 1;
  const count = params.size(6, 0, 1);
  const inputs = count / (outputs * width * height);
  if (!Number.isInteger(inputs) || outputs % group !== 0) {
    throw refuseLayer(layer, `has ${count} weights for ${outputs} outputs of ${width}x${height}`);
  }
  return { outputs, inputs, width, height, group, count };
}

function refuseIntegers(layer: NcnnLayer): void {
  if (layer.params.integer(8, 0) !== 0) {
    throw refuseLayer(layer, 'is quantised to int8, which only ncnn can compute with');
  }
}

/** Checks the channels; what global pooling gave becomes a picture of one sample. */
function asPicture(layer: NcnnLayer, input: Blob, kernel: Kernel, { graph }: LayerContext): Blob {
  const expected = kernel.inputs * kernel.group;
  if (input.rank === 2 || (input.channels !== null && input.channels !== expected)) {
    throw refuseLayer(layer, `takes ${expected} channels, but gets ${input.channels ?? 'none'}`);
  }
  if (input.rank === 3) return input;
  const value = graph.node('Reshape', [input.value, graph.integers([1, expected, 1, 1])]);
  return { value, rank: 3, channels: expected };
}

function readBias({ params }: NcnnLayer, { outputs }: Kernel, { graph, weights }: LayerContext): string[] {
  return params.integer(5, 0) === 0
    ? []
    : [graph.tensor({ dims: [outputs], data: weights.readPlain(outputs) })];
}

function readPair({ params }: NcnnLayer, height: number, width: number): [number, number] {
  const across = params.size(width, 1, 1);
  return [params.size(height, across, 1), across];
}

function readPadding({ params }: NcnnLayer): { pads: number[] } | { auto_pad: string } {
  const left = params.integer(4, 0);
  if (left === SAME_UPPER) return { auto_pad: 'SAME_UPPER' };
  if (left === SAME_LOWER) return { auto_pad: 'SAME_LOWER' };
  const right = params.size(15, left);
  const top = params.size(14, left);
  return { pads: [top, params.size(4, 0), params.size(16, top), right] };
}

function finish(
  { params }: NcnnLayer,
  value: string,
  { outputs }: Kernel,
  input: Blob,
  { graph }: LayerContext,
): Blob {
  const activated = activate(graph, value, params.integer(9, 0), params.list(10));
  if (input.rank === 3) return { value: activated, rank: 3, channels: outputs };
  const flat = graph.node('Reshape', [activated, graph.integers([1, outputs])]);
  return { value: flat, rank: 1, channels: outputs };
}

function swapInputsAndOutputs(source: Float32Array, kernel: Kernel): Float32Array {
  const area = kernel.width * kernel.height;
  const { inputs, group } = kernel;
  const outputs = kernel.outputs / group;
  const target = new Float32Array(source.length);
  for (let g = 0; g < group; g++) {
    const start = g * outputs * inputs;
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        const from = (start + o * inputs + i) * area;
        target.set(source.subarray(from, from + area), (start + i * outputs + o) * area);
      }
    }
  }
  return target;
}
