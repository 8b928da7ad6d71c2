import type { Architecture } from '../architecture.ts';
import { addDySample } from '../dysample.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';

/** GroupNorm's groups, which files do not hold; all trainers have the same. */
const GROUPS = 4;

/**
 * PLKSR and RealPLKSR: a large kernel over a part of the channels in each block. Lee et al., Partial Large Kernel CNNs
 * (https://arxiv.org/abs/2404.11848). RealPLKSR, the community's variant, has Mish in place of GELU and a GroupNorm.
 */
export const PLKSR: Architecture = {
  name: 'PLKSR, RealPLKSR',
  build(state) {
    const isReal = state.has('feats.1.channel_mixer.0.weight');
    if (!isReal && !state.has('feats.1.channe_mixer.0.weight')) return null;
    const reader = new WeightReader(state);
    const first = reader.takeConv('feats.0');
    const { inputs: channels, outputs: features } = first;
    const graph = new GraphBuilder(channels);
    const blocks = countFrom(1, (i) => reader.has(`feats.${i}.lk.conv.weight`));
    let value = graph.conv(graph.input, first);
    for (let block = 1; block <= blocks; block++) {
      value = buildBlock(graph, reader, value, `feats.${block}`, features, isReal);
    }
    // RealPLKSR has a dropout without weights before its last convolution.
    const end = `feats.${blocks + (isReal ? 2 : 1)}`;
    const tail = reader.takeConv(end, { inputs: features });
    const scale = readFactor(tail.outputs / channels, end);
    const residual = graph.repeatChannels(graph.input, channels, scale * scale);
    value = graph.add(graph.conv(value, tail), residual);
    const isSampled = reader.has('to_img.offset.weight');
    const result = isSampled
      ? addDySample(graph, reader, value, 'to_img', { features: tail.outputs, channels, scale })
      : graph.pixelShuffle(value, scale);
    reader.finish();
    return {
      model: graph.finish(result),
      title: `${isReal ? 'Real' : ''}PLKSR, x${scale}, ${features} channels, ${blocks} blocks${isSampled ? ', DySample' : ''}`,
    };
  },
};

function buildBlock(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  features: number,
  isReal: boolean,
): string {
  // The published code has the misprint.
  const mixer = `${prefix}.${isReal ? 'channel_mixer' : 'channe_mixer'}`;
  const widen = reader.takeConv(`${mixer}.0`, { inputs: features });
  const narrow = reader.takeConv(`${mixer}.2`, { inputs: widen.outputs, outputs: features });
  const wide = graph.conv(value, widen);
  let inner = graph.conv(isReal ? graph.mish(wide) : graph.gelu(wide), narrow);
  const large = reader.takeConv(`${prefix}.lk.conv`);
  const part = large.outputs;
  inner = graph.concat([
    graph.conv(graph.sliceChannels(inner, 0, part), large),
    graph.sliceChannels(inner, part, features),
  ]);
  if (reader.has(`${prefix}.attn.f.0.weight`)) {
    const gate = reader.takeConv(`${prefix}.attn.f.0`, { inputs: features, outputs: features });
    inner = graph.mul(inner, graph.sigmoid(graph.conv(inner, gate)));
  }
  inner = graph.conv(
    inner,
    reader.takeConv(`${prefix}.refine`, { inputs: features, outputs: features, kernel: 1 }),
  );
  if (isReal) {
    const gain = reader.take(`${prefix}.norm.weight`, [features]);
    inner = graph.groupNorm(inner, GROUPS, gain, reader.take(`${prefix}.norm.bias`, [features]));
  }
  return graph.add(inner, value);
}
