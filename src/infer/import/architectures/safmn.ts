import type { Architecture } from '../architecture.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { cropToScale, padToMultiple } from '../pad-to-multiple.ts';
import { addLayerNorm, takeNorm, toPicture, toTokens } from '../token-layers.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';

const NORM_EPSILON = 1e-6;

/**
 * SAFMN: parts of the channels are looked at in halves, quarters and eighths of the size and weigh the whole. Sun et al.,
 * Spatially-Adaptive Feature Modulation (https://arxiv.org/abs/2302.13800). Sizes that are no multiple of 8 are filled up by their
 * mirror image, so that all levels see fields of one size.
 */
export const SAFMN: Architecture = {
  name: 'SAFMN',
  build(state) {
    if (!state.has('to_feat.weight') || !state.has('feats.0.safm.mfr.0.weight')) return null;
    const reader = new WeightReader(state);
    const first = reader.takeConv('to_feat');
    const { inputs: channels, outputs: features } = first;
    const graph = new GraphBuilder(channels);
    const levels = countFrom(0, (i) => reader.has(`feats.0.safm.mfr.${i}.weight`));
    const shallow = graph.conv(padToMultiple(graph, graph.input, 2 ** (levels - 1), 'reflect'), first);
    const blocks = countFrom(0, (i) => reader.has(`feats.${i}.norm1.weight`));
    let value = shallow;
    for (let block = 0; block < blocks; block++) {
      const prefix = `feats.${block}`;
      const normal = normalize(graph, reader, value, `${prefix}.norm1`, features);
      value = graph.add(modulate(graph, reader, normal, `${prefix}.safm`, { features, levels }), value);
      const widen = reader.takeConv(`${prefix}.ccm.ccm.0`, { inputs: features });
      const narrow = reader.takeConv(`${prefix}.ccm.ccm.2`, { inputs: widen.outputs, outputs: features });
      const inner = graph.conv(normalize(graph, reader, value, `${prefix}.norm2`, features), widen);
      value = graph.add(graph.conv(graph.gelu(inner), narrow), value);
    }
    const tail = reader.takeConv('to_img.0', { inputs: features });
    reader.finish();
    const scale = readFactor(tail.outputs / channels, 'to_img.0');
    const result = graph.pixelShuffle(graph.conv(graph.add(value, shallow), tail), scale);
    return {
      model: graph.finish(cropToScale(graph, result, graph.input, scale)),
      title: `SAFMN, x${scale}, ${features} channels, ${blocks} blocks`,
    };
  },
};

function normalize(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  features: number,
): string {
  const norm = takeNorm(reader, prefix, features);
  return toPicture(graph, addLayerNorm(graph, toTokens(graph, value), norm, NORM_EPSILON));
}

function modulate(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  { features, levels }: { readonly features: number; readonly levels: number },
): string {
  const part = features / levels;
  if (!Number.isInteger(part)) throw new Error(`${levels} levels do not share ${features} channels evenly`);
  const parts = Array.from({ length: levels }, (_, level) => {
    const own = graph.sliceChannels(value, level * part, (level + 1) * part);
    const factor = 2 ** level;
    const convolution = reader.takeConv(`${prefix}.mfr.${level}`, { inputs: 1, outputs: part });
    const small = level === 0 ? own : graph.maxPool(own, factor, factor);
    const seen = graph.conv(small, convolution, { groups: part });
    return level === 0 ? seen : graph.resizeNearest(seen, factor);
  });
  const merge = reader.takeConv(`${prefix}.aggr`, { inputs: features, outputs: features });
  return graph.mul(graph.gelu(graph.conv(graph.concat(parts), merge)), value);
}
