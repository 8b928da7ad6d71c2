import type { Architecture } from '../architecture.ts';
import { GraphBuilder } from '../graph-builder.ts';
import type { StateDict } from '../state-dict.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';

/** Where a file has its weights: three generations of the same network name them differently. */
interface Names {
  readonly first: string;
  dense(block: number, group: number, layer: number): string;
  readonly trunk: string;
  readonly ups: readonly string[];
  readonly high: string;
  readonly last: string;
  readonly blocks: number;
}

/**
 * RRDBNet: residual in residual dense blocks, then upsampling by nearest neighbour with a convolution after each doubling.
 * Wang et al., ESRGAN (https://arxiv.org/abs/1809.00219); Real-ESRGAN's for x2 and x1 fold pixels into channels first.
 */
export const RRDBNET: Architecture = {
  name: 'RRDBNet (ESRGAN)',
  build(state) {
    const names = findNames(state);
    if (names === null) return null;
    const reader = new WeightReader(state);
    const first = reader.takeConv(names.first);
    const features = first.outputs;
    const channels = state.get(`${names.last}.weight`)?.dims[0] ?? 1;
    const fold = readFactor(first.inputs / channels, names.first);
    const graph = new GraphBuilder(channels);
    const shallow = graph.conv(graph.pixelUnshuffle(graph.input, channels, fold), first);
    let value = shallow;
    for (let block = 0; block < names.blocks; block++) {
      let inner = value;
      for (let group = 1; group <= 3; group++) {
        inner = buildDenseGroup(graph, reader, inner, features, (layer) => names.dense(block, group, layer));
      }
      value = graph.add(graph.scale(inner, 0.2), value);
    }
    const same = { inputs: features, outputs: features };
    value = graph.add(shallow, graph.conv(value, reader.takeConv(names.trunk, same)));
    for (const up of names.ups) {
      value = graph.leakyRelu(graph.conv(graph.resizeNearest(value, 2), reader.takeConv(up, same)), 0.2);
    }
    value = graph.leakyRelu(graph.conv(value, reader.takeConv(names.high, same)), 0.2);
    value = graph.conv(value, reader.takeConv(names.last, { inputs: features, outputs: channels }));
    reader.finish();
    const scale = 2 ** names.ups.length / fold;
    const unshuffled = fold === 1 ? '' : `, pixels folded by ${fold}`;
    return {
      model: graph.finish(value),
      title: `RRDBNet, x${scale}, ${features} channels, ${names.blocks} blocks${unshuffled}`,
    };
  },
};

/** Five convolutions, each of which sees what all before it gave. */
function buildDenseGroup(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  features: number,
  nameOf: (layer: number) => string,
): string {
  const seen = [value];
  let width = features;
  for (let layer = 1; layer <= 4; layer++) {
    const conv = reader.takeConv(nameOf(layer), { inputs: width });
    seen.push(graph.leakyRelu(graph.conv(layer === 1 ? value : graph.concat(seen), conv), 0.2));
    width += conv.outputs;
  }
  const last = graph.conv(
    graph.concat(seen),
    reader.takeConv(nameOf(5), { inputs: width, outputs: features }),
  );
  return graph.add(graph.scale(last, 0.2), value);
}

function findNames(state: StateDict): Names | null {
  if (state.has('model.1.sub.0.RDB1.conv1.0.weight')) return readOldNames(state);
  const isBasicSr = state.has('body.0.rdb1.conv1.weight');
  if (!isBasicSr && !state.has('RRDB_trunk.0.RDB1.conv1.weight')) return null;
  const up = isBasicSr ? 'conv_up' : 'upconv';
  const dense = (block: number, group: number, layer: number): string =>
    isBasicSr ? `body.${block}.rdb${group}.conv${layer}` : `RRDB_trunk.${block}.RDB${group}.conv${layer}`;
  const ups = countFrom(1, (i) => state.has(`${up}${i}.weight`));
  return {
    first: 'conv_first',
    dense,
    trunk: isBasicSr ? 'conv_body' : 'trunk_conv',
    ups: Array.from({ length: ups }, (_, i) => `${up}${i + 1}`),
    high: isBasicSr ? 'conv_hr' : 'HRconv',
    last: 'conv_last',
    blocks: countFrom(0, (i) => state.has(`${dense(i, 1, 1)}.weight`)),
  };
}

/** The first generation numbers its layers: the first, the trunk, one in three for each doubling, and two at the end. */
function readOldNames(state: StateDict): Names {
  const layers = [...state.keys()]
    .map((name) => /^model\.(\d+)\.weight$/.exec(name)?.[1])
    .filter((index) => index !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const ups = layers.slice(1, -2);
  if (layers.length < 3 || layers[0] !== 0)
    throw new Error('its layers are not numbered as those of RRDBNet are');
  const dense = (block: number, group: number, layer: number): string =>
    `model.1.sub.${block}.RDB${group}.conv${layer}.0`;
  const blocks = countFrom(0, (i) => state.has(`${dense(i, 1, 1)}.weight`));
  return {
    first: 'model.0',
    dense,
    trunk: `model.1.sub.${blocks}`,
    ups: ups.map((index) => `model.${index}`),
    high: `model.${layers.at(-2) ?? 0}`,
    last: `model.${layers.at(-1) ?? 0}`,
    blocks,
  };
}
