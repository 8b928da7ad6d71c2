import type { ModelFacts } from '../infer-plan.ts';
import { LARGEST_HALF } from './half-floats.ts';
import {
  findAttribute,
  makeNode,
  ONNX_TYPE,
  readInteger,
  toInteger,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from './onnx-model.ts';
import { makeFloats, makeHalves, readFloats } from './tensor-values.ts';

/** What loses nothing that a picture shows when it is computed in halves. */
const HALF = new Set([
  ...[
    'Conv',
    'ConvTranspose',
    'MatMul',
    'Gemm',
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Sum',
    'Max',
    'Min',
    'Neg',
    'Abs',
  ],
  ...[
    'Relu',
    'LeakyRelu',
    'PRelu',
    'Clip',
    'Elu',
    'Sigmoid',
    'HardSigmoid',
    'HardSwish',
    'Tanh',
    'Gelu',
    'Mish',
  ],
  ...[
    'Concat',
    'Split',
    'Slice',
    'Pad',
    'Transpose',
    'Reshape',
    'Flatten',
    'Squeeze',
    'Unsqueeze',
    'Expand',
    'Tile',
  ],
  ...['DepthToSpace', 'SpaceToDepth', 'Resize', 'AveragePool', 'MaxPool', 'Gather', 'Identity', 'Dropout'],
]);
/** What sums over the whole picture, or grows or shrinks numbers beyond a half's range: it stays in float32. */
const SENSITIVE = new Set([
  ...['Softmax', 'LogSoftmax', 'LayerNormalization', 'InstanceNormalization', 'BatchNormalization', 'Erf'],
  ...[
    'ReduceMean',
    'ReduceSum',
    'ReduceMax',
    'ReduceMin',
    'ReduceL2',
    'ReduceSumSquare',
    'GlobalAveragePool',
  ],
  ...[
    'GlobalMaxPool',
    'Pow',
    'Exp',
    'Log',
    'Sqrt',
    'Reciprocal',
    'Softplus',
    'Softsign',
    'Floor',
    'Ceil',
    'Round',
  ],
  ...['GridSample', 'CumSum', 'Mod', 'Sin', 'Cos', 'Sign', 'Where'],
]);
/** Operators of which the result is no float, whatever they take. */
const WHOLE = new Set([
  'Shape',
  'Size',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Not',
  'And',
  'Or',
]);
/** Inputs that are float32 beside data that is not. */
const FULL_INPUTS: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2] };

/**
 * Makes a float32 network compute in halves, weights and activations; its ends stay float32. Operators that are sensitive, or whose
 * weights are beyond a half's range, stay in float32 with casts around them. Returns false, and changes nothing, where the graph has
 * other float types already, or an operator of which the types are not known.
 */
export function convertToHalf(model: OnnxModel, facts: Pick<ModelFacts, 'elementType'>): boolean {
  if (facts.elementType !== 'float32') return false;
  const nodes = model.graph.node.map((node) => ({
    ...node,
    input: [...node.input],
    output: [...node.output],
  }));
  const graph: OnnxGraph = { ...model.graph, node: nodes, initializer: [...model.graph.initializer] };
  hoistConstants(graph);
  const floats = findFloats(graph);
  if (floats === null) return false;
  const converter = new Converter(graph, floats);
  for (const node of graph.node) converter.add(node);
  converter.finish();
  model.graph = { ...graph, valueInfo: [] };
  return true;
}

/** Makes weights of constants, so that there is one kind of them. */
function hoistConstants(graph: OnnxGraph): void {
  graph.node = graph.node.filter((node) => {
    const [name] = node.output;
    const tensor = node.opType === 'Constant' ? findAttribute(node, 'value')?.t : undefined;
    const number = node.opType === 'Constant' ? findAttribute(node, 'value_float')?.f : undefined;
    if (name === undefined || (tensor == null && number === undefined)) return true;
    graph.initializer.push(tensor == null ? makeFloats(name, [], [number ?? 0]) : { ...tensor, name });
    return false;
  });
}

/** Names of all values that are float32; null where that cannot be told, or where there are halves already. */
function findFloats(graph: OnnxGraph): Set<string> | null {
  const floats = new Set<string>();
  for (const { name, dataType } of graph.initializer) {
    if (dataType === ONNX_TYPE.float) floats.add(name);
    if (dataType === ONNX_TYPE.float16 || dataType === ONNX_TYPE.bfloat16) return null;
  }
  for (const { name, type } of graph.input)
    if (type?.tensorType?.elemType === ONNX_TYPE.float) floats.add(name);
  for (const node of graph.node) {
    const { opType, domain = '' } = node;
    if ((domain !== '' && domain !== 'ai.onnx') || node.attribute.some(({ g }) => g != null)) return null;
    if (WHOLE.has(opType)) continue;
    const isFloat = isFloatResult(node, floats);
    if (isFloat === null) return null;
    if (isFloat)
      for (const name of opType === 'MaxPool' ? node.output.slice(0, 1) : node.output) floats.add(name);
  }
  return floats;
}

function isFloatResult(node: OnnxNode, floats: ReadonlySet<string>): boolean | null {
  switch (node.opType) {
    case 'Cast': {
      const to = readInteger(node, 'to', 0);
      return to === ONNX_TYPE.float16 || to === ONNX_TYPE.bfloat16 ? null : to === ONNX_TYPE.float;
    }
    case 'ConstantOfShape':
      return (findAttribute(node, 'value')?.t?.dataType ?? ONNX_TYPE.float) === ONNX_TYPE.float;
    case 'Range':
      return floats.has(node.input[0] ?? '');
    case 'Where':
      return floats.has(node.input[1] ?? '');
    default:
      return HALF.has(node.opType) || SENSITIVE.has(node.opType) ? floats.has(node.input[0] ?? '') : null;
  }
}

/** Takes the nodes of a graph one after another, and keeps count of which values are halves by now. */
class Converter {
  readonly #graph: OnnxGraph;
  readonly #floats: ReadonlySet<string>;
  readonly #weights: ReadonlyMap<string, OnnxTensor>;
  readonly #nodes: OnnxNode[] = [];
  readonly #halves = new Set<string>();
  /** Values that are there in the other type too, by that type's name of theirs. */
  readonly #copies = new Set<string>();

  constructor(graph: OnnxGraph, floats: ReadonlySet<string>) {
    this.#graph = graph;
    this.#floats = floats;
    this.#weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  }

  add(node: OnnxNode): void {
    const data = node.input.filter((_, i) => FULL_INPUTS[node.opType]?.includes(i) !== true);
    const isHalf =
      HALF.has(node.opType) &&
      this.#floats.has(node.input[0] ?? '') &&
      data.every((name) => this.#fits(this.#weights.get(name)));
    node.input = node.input.map((name, i) => {
      if (!this.#floats.has(name)) return name;
      return isHalf && FULL_INPUTS[node.opType]?.includes(i) !== true
        ? this.#asHalf(name)
        : this.#asFloat(name);
    });
    if (isHalf) for (const name of node.output) if (this.#floats.has(name)) this.#halves.add(name);
    this.#nodes.push(node);
  }

  /** Gives the graph's ends back their type, and drops the weights that only their halves are left of. */
  finish(): void {
    const outputs = this.#graph.output.filter(({ name }) => this.#halves.has(name));
    for (const { name } of outputs) {
      const half = `upreel/half/${name}`;
      for (const node of this.#nodes) {
        node.output = node.output.map((output) => (output === name ? half : output));
        node.input = node.input.map((input) => (input === name ? half : input));
      }
      const cast = makeNode('Cast', [half], [name], { to: ONNX_TYPE.float });
      this.#nodes.push({ ...cast, name: `upreel/as-float/${name}` });
    }
    this.#graph.node = this.#nodes;
    const read = new Set(this.#nodes.flatMap(({ input }) => input));
    this.#graph.initializer = this.#graph.initializer.filter(({ name }) => read.has(name));
  }

  #fits(tensor: OnnxTensor | undefined): boolean {
    if (tensor?.dataType !== ONNX_TYPE.float) return true;
    return readFloats(tensor)?.every((value) => Math.abs(value) <= LARGEST_HALF) ?? false;
  }

  #asHalf(name: string): string {
    if (this.#halves.has(name)) return name;
    const copy = `upreel/as-half/${name}`;
    if (this.#copies.has(copy)) return copy;
    this.#copies.add(copy);
    const tensor = this.#weights.get(name);
    const values = tensor === undefined ? null : readFloats(tensor);
    if (tensor === undefined || values === null) {
      this.#nodes.push(makeNode('Cast', [name], [copy], { to: ONNX_TYPE.float16 }));
    } else {
      this.#graph.initializer.push(makeHalves(copy, tensor.dims.map(toInteger), values));
    }
    return copy;
  }

  #asFloat(name: string): string {
    if (!this.#halves.has(name)) return name;
    const copy = `upreel/as-float/${name}`;
    if (!this.#copies.has(copy)) {
      this.#copies.add(copy);
      this.#nodes.push(makeNode('Cast', [name], [copy], { to: ONNX_TYPE.float }));
    }
    return copy;
  }
}
