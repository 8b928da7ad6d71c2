import { findAttribute, readInteger, toInteger, type OnnxGraph, type OnnxNode } from './onnx-model.ts';
import { readFloats } from './tensor-values.ts';

/** A value of a graph: how far it looks, and how wide one of its samples is, both in samples of the input. */
interface Field {
  readonly radius: number;
  readonly step: number;
}

/** Operators whose result looks as far as what goes into them. */
const LOCAL = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Concat', 'Slice', 'Gather', 'Identity', 'Cast'],
  ...['Relu', 'LeakyRelu', 'PRelu', 'Clip', 'Sigmoid', 'Tanh', 'Softplus', 'Erf'],
]);

/**
 * How many input samples to each side an output sample depends on at most, counted from the graph. Null where it has other
 * operators than those of plain convolutional networks.
 */
export function boundReach(graph: OnnxGraph, input: string, output: string): number | null {
  const fields = new Map<string, Field>([[input, { radius: 0, step: 1 }]]);
  for (const node of graph.node) {
    const sources = node.input.map((name) => fields.get(name)).filter((field) => field !== undefined);
    const [first] = sources;
    // Made of weights alone.
    if (first === undefined) continue;
    const { step } = first;
    if (sources.some((field) => field.step !== step)) return null;
    const field = follow(graph, node, { step, radius: Math.max(...sources.map(({ radius }) => radius)) });
    const [name] = node.output;
    if (field === null || name === undefined) return null;
    fields.set(name, field);
  }
  return fields.get(output)?.radius ?? null;
}

function follow(graph: OnnxGraph, node: OnnxNode, { radius, step }: Field): Field | null {
  if (LOCAL.has(node.opType)) return { radius, step };
  const block = readInteger(node, 'blocksize', 1);
  switch (node.opType) {
    case 'Conv':
      return followConv(graph, node, { radius, step });
    case 'DepthToSpace':
      return { radius, step: step / block };
    case 'SpaceToDepth':
      return { radius: radius + (block - 1) * step, step: step * block };
    case 'Resize': {
      const scales = graph.initializer.find(({ name }) => name === node.input[2]);
      const [, , vertical, horizontal] = (scales === undefined ? null : readFloats(scales)) ?? [];
      if (vertical === undefined || vertical < 1 || vertical !== horizontal) return null;
      return { radius: radius + step, step: step / vertical };
    }
    default:
      return null;
  }
}

function followConv(graph: OnnxGraph, node: OnnxNode, { radius, step }: Field): Field | null {
  const dims = graph.initializer.find(({ name }) => name === node.input[1])?.dims.map(toInteger) ?? [];
  const [, , height, width] = dims;
  if (height === undefined || width === undefined) return null;
  const read = (name: string): number[] => (findAttribute(node, name)?.ints ?? []).map(toInteger);
  const [stride = 1] = read('strides');
  const side = (Math.max(height, width) - 1) * Math.max(1, ...read('dilations'));
  const pads = read('pads');
  const before = pads.length === 0 ? 0 : Math.min(...pads);
  return { radius: radius + Math.max(before, side - before) * step, step: step * stride };
}
