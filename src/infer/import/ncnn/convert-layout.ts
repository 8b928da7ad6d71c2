import { firstOf, refuseLayer, toAxis, type Blob, type LayerConverter } from './blob.ts';

/** What ncnn writes for a dimension that is not there. */
const ABSENT = -233;

/** Split: the same blob under several names. */
export const convertSplit: LayerConverter = (layer, inputs) => {
  const input = firstOf(layer, inputs);
  return layer.tops.map(() => input);
};

export const convertConcat: LayerConverter = (layer, inputs, { graph }) => {
  const first = firstOf(layer, inputs);
  const axis = toAxis(layer, layer.params.integer(0, 0), first);
  const value = graph.node(
    'Concat',
    inputs.map((input) => input.value),
    { axis },
  );
  if (axis !== 1) return [{ ...first, value }];
  const channels = inputs.reduce<number | null>(
    (sum, input) => (sum === null || input.channels === null ? null : sum + input.channels),
    0,
  );
  return [{ ...first, value, channels }];
};

/** Reshape: sizes are given from the width outwards; 0 keeps a size, -1 follows from the rest. */
export const convertReshape: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  if (params.has(6)) throw refuseLayer(layer, 'takes its sizes from an expression');
  if (params.has(11) || params.integer(3, 0) !== 0) throw refuseLayer(layer, 'turns what it reshapes');
  const given = [params.integer(0, ABSENT), params.integer(1, ABSENT), params.integer(2, ABSENT)];
  const sizes = given.slice(0, given.includes(ABSENT) ? given.indexOf(ABSENT) : 3).reverse();
  const rank = toRank(sizes.length);
  if (rank === null) throw refuseLayer(layer, 'gives no sizes');
  const parts = sizes.map((size, i) => {
    if (size !== 0) return graph.integers([size]);
    // The dimension of the same name, counted from the width.
    const start = input.rank + 1 - (rank - i);
    if (start < 1) throw refuseLayer(layer, 'keeps a size that is not there');
    return graph.node('Shape', [input.value], { start, end: start + 1 });
  });
  const shape = graph.node('Concat', [graph.integers([1]), ...parts], { axis: 0 });
  const [outer = 0] = sizes;
  const channels = outer > 0 ? outer : outer === 0 && rank === input.rank ? input.channels : null;
  return [{ value: graph.node('Reshape', [input.value, shape]), rank, channels }];
};

export const convertFlatten: LayerConverter = (layer, inputs, { graph }) => {
  const input = firstOf(layer, inputs);
  const value = graph.node('Reshape', [input.value, graph.integers([1, -1])]);
  return [{ value, rank: 1, channels: input.rank === 1 ? input.channels : null }];
};

/** By ncnn's number: which dimension becomes the width, the height, the channels. */
const ORDERS = ['whc', 'hwc', 'wch', 'cwh', 'hcw', 'chw'] as const;
const OUTER_FIRST = 'chw';

export const convertPermute: LayerConverter = (layer, inputs, { graph }) => {
  const input = firstOf(layer, inputs);
  const code = layer.params.integer(0, 0);
  const order = input.rank === 3 ? ORDERS[code] : input.rank === 2 ? ['wh', 'hw'][code] : 'w';
  if (order === undefined) throw refuseLayer(layer, 'asks for an order that is not known');
  const names = OUTER_FIRST.slice(3 - input.rank);
  const perm = [
    0,
    ...Array.from(order)
      .reverse()
      .map((name) => names.indexOf(name) + 1),
  ];
  const isOuterKept = perm[1] === 1;
  return [
    {
      value: graph.node('Transpose', [input.value], { perm }),
      rank: input.rank,
      channels: isOuterKept ? input.channels : null,
    },
  ];
};

/** PixelShuffle: channels to samples, with the channels of a block together, or block by block. */
export const convertPixelShuffle: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const factor = params.size(0, 1, 1);
  const mode = params.integer(1, 0) === 0 ? 'CRD' : 'DCR';
  const channels = input.channels === null ? null : input.channels / factor ** 2;
  if (channels !== null && !Number.isInteger(channels)) {
    throw refuseLayer(
      layer,
      `cannot spread ${input.channels ?? 0} channels over ${factor}x${factor} samples`,
    );
  }
  return [
    { value: graph.node('DepthToSpace', [input.value], { blocksize: factor, mode }), rank: 3, channels },
  ];
};

/** Reorg: samples to channels, the other way of {@link convertPixelShuffle}. */
export const convertReorg: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const factor = params.size(0, 1, 1);
  if (input.channels === null) throw refuseLayer(layer, 'folds a number of channels that is not known');
  const isBlockwise = params.integer(1, 0) !== 0;
  const value = isBlockwise
    ? graph.node('SpaceToDepth', [input.value], { blocksize: factor })
    : graph.pixelUnshuffle(input.value, input.channels, factor);
  return [{ value, rank: 3, channels: input.channels * factor ** 2 }];
};

function toRank(length: number): Blob['rank'] | null {
  return length === 1 || length === 2 || length === 3 ? length : null;
}
