import type { ConvWeights } from './graph-builder.ts';
import type { WeightTensor } from './state-dict.ts';

/**
 * One convolution that does what three in a row do: 1x1, then a larger one whose border is filled with the first one's bias, then
 * 1x1. So are blocks that were trained with more weights than they need brought back to what they are (Ding et al., RepVGG,
 * https://arxiv.org/abs/2101.03697).
 */
export function collapseConvs(expand: ConvWeights, middle: ConvWeights, reduce: ConvWeights): ConvWeights {
  const [wide = 0, inputs = 0] = expand.weight.dims;
  const [wideOut = 0, , height = 0, width = 0] = middle.weight.dims;
  const [outputs = 0] = reduce.weight.dims;
  // So it holds for whatever was trained, and the result is no larger than what the file has.
  if (wide < inputs || wideOut < outputs) throw new Error('its branches are narrower than what they lead to');
  const area = height * width;
  const row = inputs * area;
  const between = new Float64Array(wideOut * row);
  const shift = new Float64Array(wideOut);
  for (let m = 0; m < wideOut; m++) {
    shift[m] = middle.bias?.data[m] ?? 0;
    for (let n = 0; n < wide; n++) {
      for (let k = 0; k < area; k++) {
        const tap = middle.weight.data[(m * wide + n) * area + k] ?? 0;
        shift[m] = (shift[m] ?? 0) + tap * (expand.bias?.data[n] ?? 0);
        for (let i = 0; i < inputs; i++) {
          const at = m * row + i * area + k;
          between[at] = (between[at] ?? 0) + tap * (expand.weight.data[n * inputs + i] ?? 0);
        }
      }
    }
  }
  const weight = new Float32Array(outputs * row);
  const bias = new Float32Array(outputs);
  const sums = new Float64Array(row);
  for (let o = 0; o < outputs; o++) {
    sums.fill(0);
    let offset = reduce.bias?.data[o] ?? 0;
    for (let m = 0; m < wideOut; m++) {
      const factor = reduce.weight.data[o * wideOut + m] ?? 0;
      offset += factor * (shift[m] ?? 0);
      for (let at = 0; at < row; at++) sums[at] = (sums[at] ?? 0) + factor * (between[m * row + at] ?? 0);
    }
    weight.set(sums, o * row);
    bias[o] = offset;
  }
  return {
    weight: { dims: [outputs, inputs, height, width], data: weight },
    bias: { dims: [outputs], data: bias },
  };
}

/** A convolution to whose result that of a 1x1 one over the same input is added. */
export function addPointwise(conv: ConvWeights, pointwise: ConvWeights): ConvWeights {
  const [outputs = 0, inputs = 0, height = 1, width = 1] = conv.weight.dims;
  const area = height * width;
  const center = (height >> 1) * width + (width >> 1);
  const weight = conv.weight.data.slice();
  for (let i = 0; i < outputs * inputs; i++) {
    const at = i * area + center;
    weight[at] = (weight[at] ?? 0) + (pointwise.weight.data[i] ?? 0);
  }
  const bias = new Float32Array(outputs).map(
    (_, o) => (conv.bias?.data[o] ?? 0) + (pointwise.bias?.data[o] ?? 0),
  );
  return { weight: { dims: conv.weight.dims, data: weight }, bias: { dims: [outputs], data: bias } };
}

/** The 1x1 convolution that changes nothing. */
export function makeIdentity(channels: number): ConvWeights {
  const data = new Float32Array(channels * channels);
  for (let i = 0; i < channels; i++) data[i * channels + i] = 1;
  const weight: WeightTensor = { dims: [channels, channels, 1, 1], data };
  return { weight, bias: null };
}

/** A convolution with its weights and its biases multiplied. */
export function scaleConv({ weight, bias }: ConvWeights, weightGain: number, biasGain: number): ConvWeights {
  const scale = ({ dims, data }: WeightTensor, gain: number): WeightTensor => ({
    dims,
    data: data.map((value) => value * gain),
  });
  return { weight: scale(weight, weightGain), bias: bias === null ? null : scale(bias, biasGain) };
}
