import type { OnnxGraph, OnnxModel, OnnxNode } from './onnx-model.ts';

/** What passes each number on as it is, when only the way of numbers matters. */
const ELEMENTWISE = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Clip',
  'Elu',
  'Selu',
  'Celu',
  'Gelu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Erf',
  'Softplus',
  'Softsign',
  'Mish',
  'ThresholdedRelu',
  'Exp',
  'Log',
  'Sqrt',
  'Reciprocal',
  'Abs',
  'Neg',
  'Pow',
  'Floor',
  'Ceil',
  'Round',
  'Dropout',
]);

/** Operators that look at the whole picture, or at parts of it that depend on its content. */
const BOUNDLESS = new Set([
  'GlobalAveragePool',
  'GlobalMaxPool',
  'GlobalLpPool',
  // Maxima and comparisons swallow a NaN.
  'ReduceMax',
  'ReduceMin',
  'ArgMax',
  'ArgMin',
  'Where',
  'GridSample',
  'RoiAlign',
  'NonZero',
  'TopK',
  'LSTM',
  'GRU',
  'RNN',
  'QLinearConv',
  'QuantizeLinear',
  'DequantizeLinear',
  'If',
  'Loop',
  'Scan',
]);

/**
 * A copy of `model` that shows how far numbers travel: a NaN at the input comes out wherever the input has a say, because sums and
 * products keep it. What could swallow it (activations, maxima) is taken out, since these never look at neighbours other than
 * those that they already take. Null where some operator cannot be traced.
 */
export function makeTraceable(model: OnnxModel): OnnxModel | null {
  const nodes: OnnxNode[] = [];
  const pictures = listPictures(model.graph);
  for (const node of model.graph.node) {
    if (node.attribute.some(({ g }) => g != null)) return null;
    // What is made of sizes alone, as masks and shapes are, stays as it is.
    if (!node.input.some((name) => pictures.has(name))) {
      nodes.push(node);
      continue;
    }
    if (BOUNDLESS.has(node.opType)) return null;
    const domain = node.domain ?? '';
    if (domain !== '' && domain !== 'ai.onnx') return null;
    nodes.push(replaceNode(node, pictures));
  }
  const graph: OnnxGraph = { ...model.graph, node: nodes, valueInfo: [] };
  return { ...model, graph };
}

/** Names of the values that hold numbers of the picture, other than weights and sizes. */
function listPictures({ node, input, initializer }: OnnxGraph): Set<string> {
  const weights = new Set(initializer.map(({ name }) => name));
  const pictures = new Set(input.map(({ name }) => name).filter((name) => !weights.has(name)));
  for (const { opType, input: operands, output } of node) {
    if (opType === 'Shape' || opType === 'Size' || !operands.some((name) => pictures.has(name))) continue;
    for (const name of output) pictures.add(name);
  }
  return pictures;
}

function replaceNode(node: OnnxNode, pictures: ReadonlySet<string>): OnnxNode {
  if (ELEMENTWISE.has(node.opType)) {
    return {
      ...node,
      opType: 'Identity',
      input: node.input.slice(0, 1),
      output: node.output.slice(0, 1),
      attribute: [],
    };
  }
  // Maxima and minima of two values keep both of them as a sum does.
  if (node.opType === 'Max' || node.opType === 'Min') return { ...node, opType: 'Sum' };
  // Without activations, products of a value with itself grow beyond all numbers, and infinities make NaNs of their own.
  const isProduct = node.opType === 'Mul' || node.opType === 'Div';
  if (isProduct && node.input.every((name) => pictures.has(name))) return { ...node, opType: 'Add' };
  if (node.opType === 'MaxPool') {
    return {
      ...node,
      opType: 'AveragePool',
      output: node.output.slice(0, 1),
      attribute: node.attribute.filter(({ name }) => name !== 'storage_order'),
    };
  }
  return node;
}
