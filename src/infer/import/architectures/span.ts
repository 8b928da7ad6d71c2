import type { Architecture } from '../architecture.ts';
import { addPointwise, collapseConvs } from '../merge-convs.ts';
import { GraphBuilder, type ConvWeights } from '../graph-builder.ts';
import { readFactor, WeightReader, type ExpectedConv } from '../weight-reader.ts';

const BLOCKS = 6;
/** The published network's; files do not hold them. */
const MEAN = Float32Array.of(0.4488, 0.4371, 0.404);
const IMAGE_RANGE = 255;

/**
 * SPAN: blocks whose own result, bent by a sigmoid, weighs what they pass on. Wan et al., Swift Parameter-free Attention Network
 * (https://arxiv.org/abs/2311.12770).
 */
export const SPAN: Architecture = {
  name: 'SPAN',
  build(state) {
    const names = [...state.keys()];
    const has = (start: string): boolean => names.some((name) => name.startsWith(start));
    if (!state.has('conv_cat.weight') || !has('block_1.c1_r.') || !state.has('upsampler.0.weight'))
      return null;
    const reader = new WeightReader(state);
    const first = takeBlockConv(reader, 'conv_1');
    const [features = 0, channels = 0] = first.weight.dims;
    const same = { inputs: features, outputs: features };
    const graph = new GraphBuilder(channels);
    const shallow = graph.conv(normalize(graph, reader, channels), first);
    let value = shallow;
    let firstResult = '';
    let lastInner = '';
    for (let block = 1; block <= BLOCKS; block++) {
      const convs = [1, 2, 3].map((i) => takeBlockConv(reader, `block_${block}.c${i}_r`, same));
      const [c1, c2, c3] = convs as [ConvWeights, ConvWeights, ConvWeights];
      // The block's first convolution is handed out after its activation, which works in place.
      lastInner = graph.silu(graph.conv(value, c1));
      const inner = graph.conv(graph.silu(graph.conv(lastInner, c2)), c3);
      value = graph.mul(graph.add(inner, value), graph.shift(graph.sigmoid(inner), -0.5));
      if (block === 1) firstResult = value;
    }
    value = graph.conv(value, takeBlockConv(reader, 'conv_2', same));
    const merge = reader.takeConv('conv_cat', { inputs: 4 * features, outputs: features, kernel: 1 });
    value = graph.conv(graph.concat([shallow, value, firstResult, lastInner]), merge);
    const tail = reader.takeConv('upsampler.0', { inputs: features });
    reader.finish();
    const scale = readFactor(tail.outputs / channels, 'upsampler.0');
    return {
      model: graph.finish(graph.pixelShuffle(graph.conv(value, tail), scale)),
      title: `SPAN, x${scale}, ${features} channels`,
    };
  },
};

/** Trainers that leave the normalisation out say so by a weight that is nothing but a sign. */
function normalize(graph: GraphBuilder, reader: WeightReader, channels: number): string {
  if (reader.has('no_norm')) {
    reader.ignore('no_norm');
    return graph.input;
  }
  if (channels !== MEAN.length)
    throw new Error(`it has ${channels} channels and takes the mean of 3 from them`);
  return graph.scale(graph.sub(graph.input, graph.perChannel({ data: MEAN })), IMAGE_RANGE);
}

/**
 * A 3x3 convolution that was trained as several: a 1x1, 3x3, 1x1 chain beside a 1x1. The `eval_conv` that lies with these can be
 * out of date; alone, it is what they were merged into.
 */
function takeBlockConv(reader: WeightReader, prefix: string, expected: ExpectedConv = {}): ConvWeights {
  const merged = `${prefix}.eval_conv`;
  if (!reader.has(`${prefix}.conv.0.weight`)) {
    const name = reader.has(`${merged}.weight`) ? merged : prefix;
    return reader.takeConv(name, { ...expected, kernel: 3 });
  }
  const side = reader.takeConv(`${prefix}.sk`, { ...expected, kernel: 1 });
  const expand = reader.takeConv(`${prefix}.conv.0`, { inputs: side.inputs, kernel: 1 });
  const middle = reader.takeConv(`${prefix}.conv.1`, { inputs: expand.outputs, kernel: 3 });
  const reduce = reader.takeConv(`${prefix}.conv.2`, {
    inputs: middle.outputs,
    outputs: side.outputs,
    kernel: 1,
  });
  reader.ignore(`${merged}.weight`);
  reader.ignore(`${merged}.bias`);
  return addPointwise(collapseConvs(expand, middle, reduce), side);
}
