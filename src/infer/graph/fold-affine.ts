import { toInteger, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnx-model.ts';
import { makeFloats, readFloats } from './tensor-values.ts';

/**
 * Multiplies what enters a network by `gain` without an operation: the weights of the convolutions that read `input` are
 * multiplied instead. Returns false, and changes nothing, where anything else reads it.
 */
export function foldInputGain(graph: OnnxGraph, input: string, gain: number): boolean {
  const readers = graph.node.filter((node) => node.input.includes(input));
  const weights: OnnxTensor[] = [];
  for (const node of readers) {
    const weight = node.opType === 'Conv' && node.input[0] === input ? ownWeight(graph, node, 1) : null;
    if (weight === null || node.input.lastIndexOf(input) !== 0) return false;
    weights.push(weight);
  }
  if (weights.length === 0 || isGraphOutput(graph, input)) return false;
  for (const weight of weights) scaleTensor(weight, gain);
  return true;
}

/**
 * Makes `output` hold `value * gain + bias` without an operation, by changing the convolutions whose sum it is. Returns false,
 * and changes nothing, where it is no such sum.
 */
export function foldOutputAffine(graph: OnnxGraph, output: string, gain: number, bias: number): boolean {
  const convolutions = collectConvolutions(graph, output, true);
  if (convolutions === null) return false;
  const [first] = convolutions;
  if (first === undefined) return false;
  for (const { weight, bias: tensor } of convolutions) {
    scaleTensor(weight, gain);
    if (tensor !== null) scaleTensor(tensor, gain);
  }
  addBias(graph, first, bias);
  return true;
}

/** The node that writes `value`, when nothing but the graph's end or one node reads it. */
export function findOnlyProducer(graph: OnnxGraph, value: string, readers: number): OnnxNode | null {
  const uses = graph.node.reduce(
    (sum, node) => sum + node.input.filter((name) => name === value).length + countSubgraphUses(node, value),
    0,
  );
  if (uses !== readers) return null;
  return graph.node.find((node) => node.output.includes(value)) ?? null;
}

interface Convolution {
  readonly node: OnnxNode;
  readonly weight: OnnxTensor;
  readonly bias: OnnxTensor | null;
}

function collectConvolutions(graph: OnnxGraph, value: string, isEnd: boolean): Convolution[] | null {
  const node = findOnlyProducer(graph, value, isEnd ? 0 : 1);
  if (node === null) return null;
  if (node.opType === 'Conv') {
    const weight = ownWeight(graph, node, 1);
    const hasBias = node.input[2] !== undefined && node.input[2] !== '';
    const bias = hasBias ? ownWeight(graph, node, 2) : null;
    return weight === null || (hasBias && bias === null) ? null : [{ node, weight, bias }];
  }
  if (node.opType !== 'Add' || node.input.length !== 2) return null;
  const parts = node.input.map((name) => collectConvolutions(graph, name, false));
  const [left, right] = parts;
  return left == null || right == null ? null : [...left, ...right];
}

/** The float32 initializer at input `index` of `node`, when only this node reads it. */
function ownWeight(graph: OnnxGraph, node: OnnxNode, index: number): OnnxTensor | null {
  const name = node.input[index];
  if (name === undefined || isGraphOutput(graph, name)) return null;
  const uses = graph.node.reduce(
    (sum, other) =>
      sum + other.input.filter((input) => input === name).length + countSubgraphUses(other, name),
    0,
  );
  const tensor = graph.initializer.find((candidate) => candidate.name === name);
  return uses === 1 && tensor !== undefined && readFloats(tensor) !== null ? tensor : null;
}

function countSubgraphUses(node: OnnxNode, name: string): number {
  let uses = 0;
  for (const { g } of node.attribute) {
    for (const inner of g?.node ?? []) {
      uses += inner.input.filter((input) => input === name).length + countSubgraphUses(inner, name);
    }
  }
  return uses;
}

function isGraphOutput(graph: OnnxGraph, name: string): boolean {
  return graph.output.some((output) => output.name === name);
}

function scaleTensor(tensor: OnnxTensor, gain: number): void {
  setFloats(
    tensor,
    readFloats(tensor)?.map((value) => value * gain),
  );
}

function setFloats(tensor: OnnxTensor, values: Float32Array | undefined): void {
  if (values === undefined) return;
  tensor.rawData = new Uint8Array(values.buffer);
  delete tensor.floatData;
}

function addBias(graph: OnnxGraph, { node, weight, bias }: Convolution, amount: number): void {
  if (bias !== null) {
    setFloats(
      bias,
      readFloats(bias)?.map((value) => value + amount),
    );
    return;
  }
  const channels = toInteger(weight.dims[0] ?? 0);
  const name = `upreel/bias/${node.output[0] ?? ''}`;
  graph.initializer.push(makeFloats(name, [channels], new Float32Array(channels).fill(amount)));
  node.input[2] = name;
}
