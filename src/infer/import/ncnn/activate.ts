import type { GraphBuilder } from '../graph-builder.ts';

/** Adds one of the activations that ncnn fuses into convolutions (their parameters 9 and 10). */
export function activate(
  graph: GraphBuilder,
  value: string,
  type: number,
  params: readonly number[],
): string {
  const [first = 0, second = 0] = params;
  switch (type) {
    case 0:
      return value;
    case 1:
      return graph.relu(value);
    case 2:
      return addLeaky(graph, value, first);
    case 3:
      return addClip(graph, value, first, second);
    case 4:
      return graph.sigmoid(value);
    case 5:
      return graph.mish(value);
    case 6:
      return addHardSwish(graph, value, first, second);
    default:
      throw new Error(`it uses activation ${type}, which is not known`);
  }
}

export function addLeaky(graph: GraphBuilder, value: string, slope: number): string {
  return slope === 0 ? graph.relu(value) : graph.leakyRelu(value, slope);
}

export function addClip(graph: GraphBuilder, value: string, low: number, high: number): string {
  return graph.node('Clip', [value, graph.scalar(low), graph.scalar(high)]);
}

export function addHardSwish(graph: GraphBuilder, value: string, alpha: number, beta: number): string {
  return graph.mul(value, addHardSigmoid(graph, value, alpha, beta));
}

export function addHardSigmoid(graph: GraphBuilder, value: string, alpha: number, beta: number): string {
  return graph.node('HardSigmoid', [value], { alpha: { float: alpha }, beta: { float: beta } });
}
