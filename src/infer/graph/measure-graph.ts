import { readInteger, toInteger, type OnnxGraph, type OnnxModel, type OnnxNode } from './onnx-model.ts';

/** Sizes of values by name, as a run gave them. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * A copy of `model` in which every value of the main graph is an output, so that one run tells all shapes. Values keep their
 * own types.
 */
export function exposeValues(model: OnnxModel): OnnxModel {
  const names = new Set(model.graph.node.flatMap((node) => node.output.filter((name) => name !== '')));
  return { ...model, graph: { ...model.graph, output: [...names].map((name) => ({ name })) } };
}

/** Floating point operations of a run with these shapes: a multiplication and an addition for each weight that is used. */
export function countFlops(graph: OnnxGraph, shapes: Shapes): number {
  const weights = new Map(graph.initializer.map(({ name, dims }) => [name, dims.map(toInteger)]));
  const sizeOf = (name: string | undefined): readonly number[] | undefined =>
    name === undefined ? undefined : (weights.get(name) ?? shapes.get(name));
  return graph.node.reduce((sum, node) => sum + countNodeFlops(node, sizeOf), 0);
}

function countNodeFlops(
  node: OnnxNode,
  sizeOf: (name: string | undefined) => readonly number[] | undefined,
): number {
  const output = sizeOf(node.output[0]);
  if (output === undefined) return 0;
  switch (node.opType) {
    case 'Conv': {
      const weight = sizeOf(node.input[1]) ?? [];
      return 2 * product(output) * product(weight.slice(1));
    }
    case 'ConvTranspose': {
      const weight = sizeOf(node.input[1]) ?? [];
      return 2 * product(sizeOf(node.input[0]) ?? []) * product(weight.slice(1));
    }
    case 'QLinearConv':
      return 2 * product(output) * product((sizeOf(node.input[3]) ?? []).slice(1));
    case 'MatMul':
    case 'Gemm': {
      const left = sizeOf(node.input[0]) ?? [];
      const inner = readInteger(node, 'transA', 0) === 1 ? left.at(-2) : left.at(-1);
      return 2 * product(output) * (inner ?? 1);
    }
    default:
      return product(output);
  }
}

/** Bytes of all values that are alive at once at the worst moment of a run in the graph's order. */
export function countPeakBytes(graph: OnnxGraph, shapes: Shapes, bytesPerElement: number): number {
  const lastUse = new Map<string, number>();
  graph.node.forEach((node, i) => {
    for (const name of node.input) lastUse.set(name, i);
  });
  for (const { name } of graph.output) lastUse.set(name, graph.node.length);
  let alive = 0;
  let peak = 0;
  const bytesOf = (name: string): number => product(shapes.get(name) ?? [0]) * bytesPerElement;
  graph.node.forEach((node, i) => {
    for (const name of node.output) alive += bytesOf(name);
    peak = Math.max(peak, alive);
    for (const name of new Set([...node.input, ...node.output])) {
      if ((lastUse.get(name) ?? -1) <= i) alive -= bytesOf(name);
    }
  });
  return peak;
}

function product(values: readonly number[]): number {
  return values.reduce((result, value) => result * value, 1);
}
