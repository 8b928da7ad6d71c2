import { firstOf, refuseLayer, toAxis, type Blob, type LayerConverter } from './blob.ts';

/** Pooling: maxima or means of small fields, or of everything. */
export const convertPooling: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  if (input.rank !== 3) throw refuseLayer(layer, 'pools what is no picture');
  const isMean = params.integer(0, 0) === 1;
  const isWhole = params.integer(4, 0) !== 0;
  const isAdaptive = params.integer(7, 0) !== 0;
  if (isWhole || isAdaptive) {
    if (isAdaptive && !(params.integer(8, 0) === 1 && params.integer(18, 1) === 1)) {
      throw refuseLayer(layer, 'pools to a fixed size');
    }
    const value = graph.node(isMean ? 'GlobalAveragePool' : 'GlobalMaxPool', [input.value]);
    if (isAdaptive) return [{ ...input, value }];
    // Whole pictures become one number a channel, without width and height.
    return [
      {
        value: graph.node('Squeeze', [value, graph.integers([2, 3])]),
        rank: 1,
        channels: input.channels,
      },
    ];
  }
  const width = params.size(1, 0, 1);
  const across = params.size(2, 1, 1);
  const left = params.size(3, 0);
  const top = params.size(13, left);
  const padMode = params.integer(5, 0);
  const value = graph.node(isMean ? 'AveragePool' : 'MaxPool', [input.value], {
    kernel_shape: [params.size(11, width, 1), width],
    strides: [params.size(12, across, 1), across],
    ...(isMean ? { count_include_pad: params.integer(6, 0) } : {}),
    ...(padMode === 2 || padMode === 3
      ? { auto_pad: padMode === 2 ? 'SAME_UPPER' : 'SAME_LOWER' }
      : {
          pads: [top, left, params.size(15, top), params.size(14, left)],
          ceil_mode: padMode === 0 ? 1 : 0,
        }),
  });
  return [{ ...input, value }];
};

/** By ncnn's number. */
const REDUCTIONS = ['ReduceSum', null, 'ReduceSumSquare', 'ReduceMean', 'ReduceMax', 'ReduceMin'] as const;

/** Reduction along the axes that are named. */
export const convertReduction: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const operation = REDUCTIONS[params.integer(0, 0)];
  if (operation == null) throw refuseLayer(layer, 'asks for an operation that is not known');
  const named = params.list(3);
  const isAll = params.integer(1, 1) !== 0 || named.length === 0;
  // Files without the mark count their axes in another way.
  if (!isAll && params.integer(5, 0) === 0) throw refuseLayer(layer, 'is of an old format');
  const axes = isAll
    ? Array.from({ length: input.rank }, (_, i) => i + 1)
    : named.map((axis) => toAxis(layer, axis, input));
  const isKept = params.integer(4, 0) !== 0;
  const rank = isKept ? input.rank : toRank(input.rank - axes.length);
  const attributes = { keepdims: isKept ? 1 : 0 };
  const reduced =
    operation === 'ReduceSum'
      ? graph.node(operation, [input.value, graph.integers(axes)], attributes)
      : graph.node(operation, [input.value], { axes, ...attributes });
  const value = graph.scale(reduced, params.float(2, 1));
  // All of it is one number, which ncnn has as a row of one.
  if (rank === null)
    return [{ value: graph.node('Reshape', [value, graph.integers([1, 1])]), rank: 1, channels: 1 }];
  const channels = axes.includes(1) ? (isKept ? 1 : null) : input.channels;
  return [{ value, rank, channels }];
};

export const convertSoftmax: LayerConverter = (layer, inputs, { graph }) => {
  const input = firstOf(layer, inputs);
  const axis = toAxis(layer, layer.params.integer(0, 0), input);
  return [{ ...input, value: graph.node('Softmax', [input.value], { axis }) }];
};

/** BatchNorm: slope, mean, variance and bias of each channel make one factor and one amount. */
export const convertBatchNorm: LayerConverter = (layer, inputs, { graph, weights }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const count = params.size(0, 0, 1);
  const epsilon = params.float(1, 0);
  const slope = weights.readPlain(count);
  const mean = weights.readPlain(count);
  const variance = weights.readPlain(count);
  const bias = weights.readPlain(count);
  const factor = slope.map((value, i) => value / Math.sqrt((variance[i] ?? 0) + epsilon));
  const amount = bias.map((value, i) => value - (mean[i] ?? 0) * (factor[i] ?? 0));
  const dims = [count, 1, 1].slice(0, input.rank);
  const scaled = graph.mul(input.value, graph.tensor({ dims, data: factor }));
  return [{ ...input, value: graph.add(scaled, graph.tensor({ dims, data: amount })) }];
};

/** GroupNorm and InstanceNorm: each group, or each channel, to mean 0 and variance 1 over the whole picture. */
export const convertGroupNorm: LayerConverter = (layer, inputs, { graph, weights }) => {
  const { params, type } = layer;
  const input = firstOf(layer, inputs);
  if (input.rank !== 3) throw refuseLayer(layer, 'normalises what is no picture');
  const isInstance = type === 'InstanceNorm';
  const channels = params.size(isInstance ? 0 : 1, input.channels ?? 0, 1);
  const groups = isInstance ? channels : params.size(0, 1, 1);
  if (channels % groups !== 0) throw refuseLayer(layer, `has ${groups} groups of ${channels} channels`);
  const epsilon = params.float(isInstance ? 1 : 2, 1e-3);
  const ones = graph.tensor({ dims: [groups], data: new Float32Array(groups).fill(1) });
  const zeros = graph.tensor({ dims: [groups], data: new Float32Array(groups) });
  const rows = graph.node('Reshape', [input.value, graph.integers([1, groups, -1])]);
  const normal = graph.node('InstanceNormalization', [rows, ones, zeros], { epsilon: { float: epsilon } });
  let value = graph.node('Reshape', [normal, graph.node('Shape', [input.value])]);
  if (params.integer(isInstance ? 2 : 3, 1) !== 0) {
    value = graph.mul(value, graph.perChannel({ data: weights.readPlain(channels) }));
    value = graph.add(value, graph.perChannel({ data: weights.readPlain(channels) }));
  }
  return [{ ...input, value }];
};

/** LayerNorm over the innermost dimension. */
export const convertLayerNorm: LayerConverter = (layer, inputs, { graph, weights }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const size = params.size(0, 0, 1);
  if (params.integer(2, 1) === 0) throw refuseLayer(layer, 'has no weights that tell what it normalises');
  const gamma = graph.tensor({ dims: [size], data: weights.readPlain(size) });
  const beta = graph.tensor({ dims: [size], data: weights.readPlain(size) });
  const value = graph.node('LayerNormalization', [input.value, gamma, beta], {
    axis: -1,
    epsilon: { float: params.float(1, 1e-3) },
  });
  return [{ ...input, value }];
};

function toRank(count: number): Blob['rank'] | null {
  return count === 1 || count === 2 || count === 3 ? count : null;
}
