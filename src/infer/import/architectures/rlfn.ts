import type { Architecture } from '../architecture.ts';
import { scaleConv } from '../merge-convs.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';

const SLOPE = 0.05;
/** White in the published weights. Nothing in a file says so, and dark pictures come out nearly right with any other. */
const WHITE = 255;

/**
 * RLFN: residual blocks of three convolutions with enhanced spatial attention. Kong et al., Residual Local Feature Network
 * (https://arxiv.org/abs/2205.07514). Its weights work on 0..255; the graph takes and gives 0..1.
 */
export const RLFN: Architecture = {
  name: 'RLFN',
  build(state) {
    if (!state.has('block_1.c5.weight') || !state.has('block_1.esa.conv_f.weight')) return null;
    const reader = new WeightReader(state);
    const first = reader.takeConv('conv_1');
    const { inputs: channels, outputs: features } = first;
    const same = { inputs: features, outputs: features };
    const graph = new GraphBuilder(channels);
    const shallow = graph.conv(graph.input, scaleConv(first, WHITE, 1));
    const blocks = countFrom(1, (i) => reader.has(`block_${i}.c1_r.weight`));
    let value = shallow;
    for (let block = 1; block <= blocks; block++) {
      let inner = value;
      for (const layer of ['c1_r', 'c2_r', 'c3_r']) {
        const conv = reader.takeConv(`block_${block}.${layer}`, { ...same, kernel: 3 });
        inner = graph.leakyRelu(graph.conv(inner, conv), SLOPE);
      }
      const merged = graph.conv(
        graph.add(inner, value),
        reader.takeConv(`block_${block}.c5`, { ...same, kernel: 1 }),
      );
      value = attend(graph, reader, merged, `block_${block}.esa`, features);
    }
    value = graph.add(graph.conv(value, reader.takeConv('conv_2', same)), shallow);
    const tail = reader.takeConv('upsampler.0', { inputs: features });
    reader.finish();
    const scale = readFactor(tail.outputs / channels, 'upsampler.0');
    return {
      model: graph.finish(
        graph.pixelShuffle(graph.conv(value, scaleConv(tail, 1 / WHITE, 1 / WHITE)), scale),
      ),
      title: `RLFN, x${scale}, ${features} channels, ${blocks} blocks`,
    };
  },
};

/** Weighs a value by what a much smaller picture of it says (ESA; Liu et al., RFANet, CVPR 2020). */
function attend(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  features: number,
): string {
  const enter = reader.takeConv(`${prefix}.conv1`, { inputs: features, kernel: 1 });
  const same = { inputs: enter.outputs, outputs: enter.outputs };
  const narrow = graph.conv(value, enter);
  const halved = graph.conv(narrow, reader.takeConv(`${prefix}.conv2`, { ...same, kernel: 3 }), {
    stride: 2,
    padding: 0,
  });
  const small = graph.conv(
    graph.maxPool(halved, 7, 3),
    reader.takeConv(`${prefix}.conv3`, { ...same, kernel: 3 }),
  );
  const wide = graph.resizeBilinearLike(small, value);
  const direct = graph.conv(narrow, reader.takeConv(`${prefix}.conv_f`, { ...same, kernel: 1 }));
  const leave = reader.takeConv(`${prefix}.conv4`, { inputs: enter.outputs, outputs: features, kernel: 1 });
  return graph.mul(value, graph.sigmoid(graph.conv(graph.add(wide, direct), leave)));
}
