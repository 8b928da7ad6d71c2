import type { ConvWeights } from './graph-builder.ts';
import type { ExpectedConv, WeightReader } from './weight-reader.ts';

const EPSILON = 1e-5;

/** Takes a convolution and the `nn.BatchNorm2d` behind it as one convolution. */
export function takeNormedConv(
  reader: WeightReader,
  convolution: string,
  norm: string,
  expected: ExpectedConv,
): ConvWeights & { readonly outputs: number } {
  const { weight, bias, outputs } = reader.takeConv(convolution, expected);
  const take = (name: string): Float32Array => reader.take(`${norm}.${name}`, [outputs]).data;
  const [gain, shift, mean, variance] = [
    take('weight'),
    take('bias'),
    take('running_mean'),
    take('running_var'),
  ];
  const factors = gain.map((value, i) => value / Math.sqrt((variance[i] ?? 0) + EPSILON));
  const size = weight.data.length / outputs;
  return {
    weight: {
      dims: weight.dims,
      data: weight.data.map((value, i) => value * (factors[Math.floor(i / size)] ?? 0)),
    },
    bias: {
      dims: [outputs],
      data: shift.map((value, i) => value + ((bias?.data[i] ?? 0) - (mean[i] ?? 0)) * (factors[i] ?? 0)),
    },
    outputs,
  };
}
