import type { Architecture } from '../architecture.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';

const SLOPE = 0.05;

/**
 * IMDN: each block puts a part of its channels aside after every convolution, and weighs all of them by mean and contrast of the
 * whole picture. Hui et al., Information Multi-distillation Network (https://arxiv.org/abs/1909.11856).
 */
export const IMDN: Architecture = {
  name: 'IMDN',
  build(state) {
    if (!state.has('fea_conv.weight') || !state.has('IMDB1.cca.conv_du.0.weight')) return null;
    const reader = new WeightReader(state);
    const first = reader.takeConv('fea_conv');
    const { inputs: channels, outputs: features } = first;
    const graph = new GraphBuilder(channels);
    const shallow = graph.conv(graph.input, first);
    const blocks = countFrom(1, (i) => reader.has(`IMDB${i}.c1.weight`));
    const results: string[] = [];
    for (let block = 1; block <= blocks; block++) {
      results.push(buildBlock(graph, reader, results.at(-1) ?? shallow, `IMDB${block}`, features));
    }
    const merge = reader.takeConv('c.0', { inputs: blocks * features, outputs: features, kernel: 1 });
    const merged = graph.leakyRelu(graph.conv(graph.concat(results), merge), SLOPE);
    const same = { inputs: features, outputs: features };
    const deep = graph.add(graph.conv(merged, reader.takeConv('LR_conv', same)), shallow);
    const tail = reader.takeConv('upsampler.0', { inputs: features });
    reader.finish();
    const scale = readFactor(tail.outputs / channels, 'upsampler.0');
    return {
      model: graph.finish(graph.pixelShuffle(graph.conv(deep, tail), scale)),
      title: `IMDN, x${scale}, ${features} channels, ${blocks} blocks`,
    };
  },
};

function buildBlock(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  features: number,
): string {
  const last = reader.takeConv(`${prefix}.c4`, { kernel: 3 });
  const aside = last.outputs;
  const rest = features - aside;
  const parts: string[] = [];
  let inner = value;
  for (let layer = 1; layer <= 3; layer++) {
    const inputs = layer === 1 ? features : rest;
    const conv = reader.takeConv(`${prefix}.c${layer}`, { inputs, outputs: features, kernel: 3 });
    const result = graph.leakyRelu(graph.conv(inner, conv), SLOPE);
    parts.push(graph.sliceChannels(result, 0, aside));
    inner = graph.sliceChannels(result, aside, features);
  }
  parts.push(graph.conv(inner, last));
  const joined = graph.concat(parts);
  const squeeze = reader.takeConv(`${prefix}.cca.conv_du.0`, { inputs: features, kernel: 1 });
  const excite = reader.takeConv(`${prefix}.cca.conv_du.2`, {
    inputs: squeeze.outputs,
    outputs: features,
    kernel: 1,
  });
  const mean = graph.globalAveragePool(joined);
  const contrast = graph.sqrt(graph.globalAveragePool(graph.square(graph.sub(joined, mean))));
  const gate = graph.conv(graph.relu(graph.conv(graph.add(contrast, mean), squeeze)), excite);
  const weighed = graph.mul(joined, graph.sigmoid(gate));
  const merge = reader.takeConv(`${prefix}.c5`, { inputs: features, outputs: features, kernel: 1 });
  return graph.add(graph.conv(weighed, merge), value);
}
