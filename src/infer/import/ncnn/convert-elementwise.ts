import type { GraphBuilder } from '../graph-builder.ts';
import { addClip, addHardSigmoid, addHardSwish, addLeaky } from './activate.ts';
import { firstOf, refuseLayer, type Blob, type LayerConverter } from './blob.ts';
import type { LayerParams } from './layer-params.ts';

type Operation = (graph: GraphBuilder, value: string, params: LayerParams) => string;

const FLT_MAX = 3.402823466e38;

/** Layers that change every number by itself. */
export const ELEMENTWISE: Readonly<Record<string, Operation>> = {
  AbsVal: (graph, value) => graph.node('Abs', [value]),
  Clip: (graph, value, params) => addClip(graph, value, params.float(0, -FLT_MAX), params.float(1, FLT_MAX)),
  Dropout: (graph, value, params) => scaleBy(graph, value, params.float(0, 1)),
  ELU: (graph, value, params) => graph.node('Elu', [value], { alpha: { float: params.float(0, 0.1) } }),
  GELU: (graph, value, params) => addGelu(graph, value, params),
  HardSigmoid: (graph, value, params) =>
    addHardSigmoid(graph, value, params.float(0, 0.2), params.float(1, 0.5)),
  HardSwish: (graph, value, params) => addHardSwish(graph, value, params.float(0, 0.2), params.float(1, 0.5)),
  Mish: (graph, value) => graph.mish(value),
  Noop: (_graph, value) => value,
  ReLU: (graph, value, params) => addLeaky(graph, value, params.float(0, 0)),
  Sigmoid: (graph, value) => graph.sigmoid(value),
  Softplus: (graph, value) => graph.node('Softplus', [value]),
  Swish: (graph, value) => graph.silu(value),
  TanH: (graph, value) => graph.node('Tanh', [value]),
};

export const convertElementwise: LayerConverter = (layer, inputs, { graph }) => {
  const input = firstOf(layer, inputs);
  const operation = ELEMENTWISE[layer.type];
  if (operation === undefined) throw refuseLayer(layer, 'is not known');
  return [{ ...input, value: operation(graph, input.value, layer.params) }];
};

/** By ncnn's number of the operation. */
const UNARY: readonly Operation[] = [
  (graph, value) => graph.node('Abs', [value]),
  (graph, value) => graph.node('Neg', [value]),
  (graph, value) => graph.node('Floor', [value]),
  (graph, value) => graph.node('Ceil', [value]),
  (graph, value) => graph.mul(value, value),
  (graph, value) => graph.node('Sqrt', [value]),
  (graph, value) => graph.node('Reciprocal', [graph.node('Sqrt', [value])]),
  (graph, value) => graph.node('Exp', [value]),
  (graph, value) => graph.node('Log', [value]),
  (graph, value) => graph.node('Sin', [value]),
  (graph, value) => graph.node('Cos', [value]),
  (graph, value) => graph.node('Tan', [value]),
  (graph, value) => graph.node('Asin', [value]),
  (graph, value) => graph.node('Acos', [value]),
  (graph, value) => graph.node('Atan', [value]),
  (graph, value) => graph.node('Reciprocal', [value]),
  (graph, value) => graph.node('Tanh', [value]),
];

export const convertUnary: LayerConverter = (layer, inputs, { graph }) => {
  const input = firstOf(layer, inputs);
  const operation = UNARY[layer.params.integer(0, 0)];
  if (operation === undefined) throw refuseLayer(layer, 'asks for an operation that is not known');
  return [{ ...input, value: operation(graph, input.value, layer.params) }];
};

/** By ncnn's number of the operation; the last three take their operands the other way round. */
const BINARY = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Pow', 'Sub', 'Div', 'Pow'] as const;
const FIRST_REVERSED = 7;

export const convertBinary: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const code = params.integer(0, 0);
  const operation = BINARY[code];
  if (operation === undefined) throw refuseLayer(layer, 'asks for an operation that is not known');
  const left = firstOf(layer, inputs);
  const right = params.integer(1, 0) === 0 ? inputs[1] : null;
  if (right === undefined) throw refuseLayer(layer, 'needs two operands');
  const operands =
    right === null ? [left.value, graph.scalar(params.float(2, 0))] : alignRanks(graph, left, right);
  const value = graph.node(operation, code >= FIRST_REVERSED ? operands.reverse() : operands);
  if (right === null) return [{ ...left, value }];
  const larger = right.rank > left.rank || left.channels === 1 ? right : left;
  return [{ ...larger, value }];
};

/** PReLU: one slope for all, or one for each channel. */
export const convertPRelu: LayerConverter = (layer, inputs, { graph, weights }) => {
  const input = firstOf(layer, inputs);
  const count = layer.params.size(0, 0, 1);
  if (count !== 1 && input.channels !== null && count !== input.channels) {
    throw refuseLayer(layer, `has ${count} slopes for ${input.channels} channels`);
  }
  const slopes = graph.tensor({ dims: [count, 1, 1].slice(0, input.rank), data: weights.readPlain(count) });
  return [{ ...input, value: graph.node('PRelu', [input.value, slopes]) }];
};

/** Eltwise: the product, the sum or the maximum of any number of blobs. */
export const convertEltwise: LayerConverter = (layer, inputs, { graph }) => {
  const first = firstOf(layer, inputs);
  const operation = ['Mul', 'Add', 'Max'][layer.params.integer(0, 0)];
  if (operation === undefined) throw refuseLayer(layer, 'asks for an operation that is not known');
  const coefficients = operation === 'Add' ? layer.params.list(1) : [];
  const values = inputs.map(({ value }, i) => scaleBy(graph, value, coefficients[i] ?? 1));
  return [{ ...first, value: values.reduce((sum, value) => graph.node(operation, [sum, value])) }];
};

/** Scale and Bias: a factor and an amount for each channel. */
export const convertScale: LayerConverter = (layer, inputs, { graph, weights }) => {
  const { params, type } = layer;
  const input = firstOf(layer, inputs);
  const count = params.integer(0, 0);
  if (count < 1) throw refuseLayer(layer, 'takes its weights from another layer');
  const dims = [count, 1, 1].slice(0, input.rank);
  let { value } = input;
  if (type === 'Scale') value = graph.mul(value, graph.tensor({ dims, data: weights.readPlain(count) }));
  if (type === 'Bias' || params.integer(1, 0) !== 0) {
    value = graph.add(value, graph.tensor({ dims, data: weights.readPlain(count) }));
  }
  return [{ ...input, value }];
};

function scaleBy(graph: GraphBuilder, value: string, factor: number): string {
  return factor === 1 ? value : graph.scale(value, factor);
}

/** Exact, by the error function, or by the hyperbolic tangent that stands in for it. */
function addGelu(graph: GraphBuilder, value: string, params: LayerParams): string {
  if (params.integer(0, 0) === 0) return graph.gelu(value);
  const factor = graph.shift(graph.scale(graph.mul(value, value), 0.044715), 1);
  const bent = graph.node('Tanh', [graph.scale(graph.mul(value, factor), Math.sqrt(2 / Math.PI))]);
  return graph.mul(graph.scale(value, 0.5), graph.shift(bent, 1));
}

/** ncnn widens the smaller operand by inner dimensions: one number a channel meets whole channels. */
function alignRanks(graph: GraphBuilder, left: Blob, right: Blob): string[] {
  return [widen(graph, left, right), widen(graph, right, left)];
}

function widen(graph: GraphBuilder, blob: Blob, other: Blob): string {
  const missing = other.rank - blob.rank;
  const isInner = blob.channels === null || other.channels === null || blob.channels === other.channels;
  if (missing <= 0 || !isInner) return blob.value;
  const axes = Array.from({ length: missing }, (_, i) => blob.rank + 1 + i);
  return graph.node('Unsqueeze', [blob.value, graph.integers(axes)]);
}
