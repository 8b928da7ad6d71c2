import type { GraphBuilder } from './graph-builder.ts';
import type { WeightTensor } from './state-dict.ts';
import type { WeightReader } from './weight-reader.ts';

/** `nn.Linear`: weights [outputs, inputs]. */
export interface LinearWeights {
  readonly weight: WeightTensor;
  readonly bias: WeightTensor | null;
  readonly outputs: number;
}

/** `nn.LayerNorm`: one gain and one bias a channel. */
export interface NormWeights {
  readonly gain: WeightTensor;
  readonly bias: WeightTensor;
}

/** `prefix.weight` and, where it is there, `prefix.bias`. */
export function takeLinear(
  reader: WeightReader,
  prefix: string,
  { inputs, outputs = null }: { readonly inputs: number; readonly outputs?: number | null },
): LinearWeights {
  const weight = reader.take(`${prefix}.weight`, [outputs, inputs]);
  const [count = 0] = weight.dims;
  const bias = reader.has(`${prefix}.bias`) ? reader.take(`${prefix}.bias`, [count]) : null;
  return { weight, bias, outputs: count };
}

export function takeNorm(reader: WeightReader, prefix: string, channels: number): NormWeights {
  return {
    gain: reader.take(`${prefix}.weight`, [channels]),
    bias: reader.take(`${prefix}.bias`, [channels]),
  };
}

/** Multiplies the innermost dimension, channels, by a matrix. */
export function addLinear(graph: GraphBuilder, value: string, { weight, bias }: LinearWeights): string {
  const product = graph.node('MatMul', [value, graph.tensor(transpose(weight))]);
  return bias === null ? product : graph.add(product, graph.tensor(bias));
}

/** Layer norm over the innermost dimension. */
export function addLayerNorm(
  graph: GraphBuilder,
  value: string,
  { gain, bias }: NormWeights,
  epsilon = 1e-5,
): string {
  return graph.node('LayerNormalization', [value, graph.tensor(gain), graph.tensor(bias)], {
    axis: -1,
    epsilon: { float: epsilon },
  });
}

/** [1, channels, height, width] to [1, height, width, channels]. */
export function toTokens(graph: GraphBuilder, value: string): string {
  return graph.node('Transpose', [value], { perm: [0, 2, 3, 1] });
}

/** [1, height, width, channels] to [1, channels, height, width]. */
export function toPicture(graph: GraphBuilder, value: string): string {
  return graph.node('Transpose', [value], { perm: [0, 3, 1, 2] });
}

/** Channels `from` up to and without `to`, of tokens. */
export function sliceTokens(graph: GraphBuilder, value: string, from: number, to: number): string {
  const ends = [graph.integers([from]), graph.integers([to]), graph.integers([-1])];
  return graph.node('Slice', [value, ...ends]);
}

function transpose({ dims, data }: WeightTensor): WeightTensor {
  const [rows = 0, columns = 0] = dims;
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = data[row * columns + column] ?? 0;
    }
  }
  return { dims: [columns, rows], data: turned };
}
