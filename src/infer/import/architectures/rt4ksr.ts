import type { Architecture } from '../architecture.ts';
import { addPointwise, collapseConvs, makeIdentity } from '../merge-convs.ts';
import { GraphBuilder, type ConvWeights } from '../graph-builder.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';

const EPSILON = 1e-6;
const FOLD = 2;

/**
 * RT4KSR: pixels folded into channels, normalised convolutions at half the source's size, one shuffle to the result. Zamfir et
 * al., Towards Real-Time 4K Image Super-Resolution (CVPR Workshops 2023). Its branch of high frequencies is left out where the file
 * says that it was never trained.
 */
export const RT4KSR: Architecture = {
  name: 'RT4KSR',
  build(state) {
    if (!state.has('hfb.0.rep_conv.weight') && !state.has('hfb.0.expand_conv.weight')) return null;
    const reader = new WeightReader(state);
    const head = reader.takeConv('head.0');
    const { outputs: features } = head;
    const channels = head.inputs / FOLD ** 2;
    const graph = new GraphBuilder(channels);
    let value = graph.conv(graph.pixelUnshuffle(graph.input, channels, FOLD), head);
    const blocks = countFrom(0, (i) => reader.has(`body.${i}.norm.weight`));
    for (let block = 0; block < blocks; block++) {
      const normal = normalize(graph, reader, value, `body.${block}.norm`, features);
      value = graph.gelu(graph.conv(normal, takeBlockConv(reader, `body.${block}.conv1`, features)));
    }
    // A branch for high frequencies is in every file; the weight that mixes it in is 0 where it was switched off in training.
    const gamma = reader.take('gamma', [1]);
    if (gamma.data[0] !== 0) throw new Error('its branch of high frequencies is in use');
    takeBlockConv(reader, 'hfb.0', features);
    value = normalize(graph, reader, value, 'tail.0', features);
    value = graph.conv(value, takeBlockConv(reader, 'tail.1', features));
    const tail = reader.takeConv('upsample.0', { inputs: features });
    reader.finish();
    const factor = readFactor(tail.outputs / channels, 'upsample.0');
    return {
      model: graph.finish(graph.pixelShuffle(graph.conv(value, tail), factor)),
      title: `RT4KSR, x${factor / FOLD}, ${features} channels, ${blocks} blocks`,
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
  const gain = reader.take(`${prefix}.weight`, [features]);
  return graph.normalizeChannels(value, gain, reader.take(`${prefix}.bias`, [features]), EPSILON);
}

/** A 3x3 convolution, or the wide ones with shortcuts that it was trained as. */
function takeBlockConv(reader: WeightReader, prefix: string, features: number): ConvWeights {
  if (reader.has(`${prefix}.rep_conv.weight`)) {
    return reader.takeConv(`${prefix}.rep_conv`, { inputs: features, outputs: features, kernel: 3 });
  }
  const expand = reader.takeConv(`${prefix}.expand_conv`, { inputs: features, kernel: 1 });
  const wide = { inputs: expand.outputs, outputs: expand.outputs };
  const middle = reader.takeConv(`${prefix}.fea_conv`, { ...wide, kernel: 3 });
  const reduce = reader.takeConv(`${prefix}.reduce_conv`, {
    inputs: expand.outputs,
    outputs: features,
    kernel: 1,
  });
  const withShortcut = addPointwise(middle, makeIdentity(expand.outputs));
  return addPointwise(collapseConvs(expand, withShortcut, reduce), makeIdentity(features));
}
