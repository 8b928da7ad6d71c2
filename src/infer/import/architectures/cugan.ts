import type { Architecture } from '../architecture.ts';
import { GraphBuilder, type ConvWeights } from '../graph-builder.ts';
import { cropToScale } from '../pad-to-multiple.ts';
import { WeightReader } from '../weight-reader.ts';

const SLOPE = 0.1;
/** How the last layer of the first network enlarges, by the side of its kernel. */
const BOTTOMS: Readonly<Record<number, { readonly stride: number; readonly padding: number }>> = {
  4: { stride: 2, padding: 3 },
  5: { stride: 3, padding: 2 },
};
/** By scale: samples that the convolutions without padding cut off, and what sizes must be multiples of. */
const ENDS: Readonly<Record<number, { readonly border: number; readonly multiple: number }>> = {
  2: { border: 18, multiple: 2 },
  3: { border: 14, multiple: 4 },
  4: { border: 19, multiple: 2 },
};
/** What the first network's result is larger by than the second's, at each side. */
const INNER_BORDER = 20;
/** Files marked `pro` take and give pictures of less contrast. */
const PRO = { gain: 0.7, bias: 0.15 } as const;

/**
 * Real-CUGAN (UpCunet): two nets in the shape of a U, the second corrects the first, with gates by the mean of the whole picture.
 * https://github.com/bilibili/ailab/tree/main/Real-CUGAN. Borders are mirrored.
 */
export const CUGAN: Architecture = {
  name: 'Real-CUGAN',
  build(state) {
    if (!state.has('unet1.conv1.conv.0.weight') || !state.has('unet2.conv5.weight')) return null;
    const reader = new WeightReader(state);
    const isPro = reader.has('pro');
    if (isPro) reader.ignore('pro');
    const channels = state.get('unet1.conv1.conv.0.weight')?.dims[1] ?? 0;
    const graph = new GraphBuilder(channels);
    const unets = new UNetBuilder(graph, reader);
    const hasShuffle = reader.has('conv_final.weight');
    const kernel = state.get('unet1.conv_bottom.weight')?.dims[2] ?? 0;
    const scale = hasShuffle ? 4 : (BOTTOMS[kernel]?.stride ?? 0);
    const ends = ENDS[scale];
    if (ends === undefined) throw new Error(`its weight unet1.conv_bottom.weight is ${kernel} samples wide`);
    const input = isPro ? graph.shift(graph.scale(graph.input, PRO.gain), PRO.bias) : graph.input;
    const first = unets.buildFirst(mirrorBorders(graph, input, ends));
    let value = graph.add(unets.buildSecond(first), cutBorders(graph, first, INNER_BORDER));
    if (hasShuffle) {
      const last = reader.takeConv('conv_final', { outputs: channels * 4 });
      value = graph.pixelShuffle(cutBorders(graph, graph.conv(value, last, { padding: 0 }), 1), 2);
    }
    value = cropToScale(graph, value, graph.input, scale);
    if (hasShuffle) value = graph.add(value, graph.resizeNearest(input, scale));
    reader.finish();
    return {
      model: graph.finish(isPro ? graph.scale(graph.shift(value, -PRO.bias), 1 / PRO.gain) : value),
      title: `Real-CUGAN, x${scale}${isPro ? ', pro' : ''}`,
    };
  },
};

class UNetBuilder {
  readonly #graph: GraphBuilder;
  readonly #reader: WeightReader;

  constructor(graph: GraphBuilder, reader: WeightReader) {
    this.#graph = graph;
    this.#reader = reader;
  }

  buildFirst(value: string): string {
    const graph = this.#graph;
    const top = this.#convolve(value, 'unet1.conv1');
    const low = this.#convolve(this.#halve(top, 'unet1.conv1_down'), 'unet1.conv2');
    const sum = graph.add(cutBorders(graph, top, 4), this.#double(low, 'unet1.conv2_up'));
    const inner = this.#plain(sum, 'unet1.conv3');
    const { weight, bias } = this.#takeTransposed('unet1.conv_bottom');
    const bottom = BOTTOMS[weight.dims[2] ?? 0];
    if (bottom === undefined)
      throw new Error('its weight unet1.conv_bottom.weight has a side that is not known');
    return this.#enlarge(inner, { weight, bias }, bottom);
  }

  buildSecond(value: string): string {
    const graph = this.#graph;
    const top = this.#convolve(value, 'unet2.conv1');
    const middle = this.#convolve(this.#halve(top, 'unet2.conv1_down'), 'unet2.conv2');
    const low = this.#convolve(this.#halve(middle, 'unet2.conv2_down'), 'unet2.conv3');
    const joined = graph.add(cutBorders(graph, middle, 4), this.#double(low, 'unet2.conv3_up'));
    const high = this.#double(this.#convolve(joined, 'unet2.conv4'), 'unet2.conv4_up');
    const inner = this.#plain(graph.add(cutBorders(graph, top, 16), high), 'unet2.conv5');
    return graph.conv(inner, this.#reader.takeConv('unet2.conv_bottom', { kernel: 3 }), { padding: 0 });
  }

  /** Two convolutions and, where it is there, a gate by the mean of the whole picture. */
  #convolve(value: string, prefix: string): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const inner = this.#plain(this.#plain(value, `${prefix}.conv.0`), `${prefix}.conv.2`);
    if (!reader.has(`${prefix}.seblock.conv1.weight`)) return inner;
    const squeeze = reader.takeConv(`${prefix}.seblock.conv1`, { kernel: 1 });
    const excite = reader.takeConv(`${prefix}.seblock.conv2`, { inputs: squeeze.outputs, kernel: 1 });
    const small = graph.relu(graph.conv(graph.globalAveragePool(inner), squeeze));
    return graph.mul(inner, graph.sigmoid(graph.conv(small, excite)));
  }

  #plain(value: string, prefix: string): string {
    const weights = this.#reader.takeConv(prefix, { kernel: 3 });
    return this.#graph.leakyRelu(this.#graph.conv(value, weights, { padding: 0 }), SLOPE);
  }

  #halve(value: string, prefix: string): string {
    const weight = this.#reader.take(`${prefix}.weight`, [null, null, 2, 2]);
    const bias = this.#reader.take(`${prefix}.bias`, [weight.dims[0] ?? 0]);
    const half = this.#graph.conv(value, { weight, bias }, { stride: 2, padding: 0 });
    return this.#graph.leakyRelu(half, SLOPE);
  }

  #double(value: string, prefix: string): string {
    const weights = this.#takeTransposed(prefix);
    return this.#graph.leakyRelu(this.#enlarge(value, weights, { stride: 2, padding: 0 }), SLOPE);
  }

  #takeTransposed(prefix: string): ConvWeights & { readonly bias: NonNullable<ConvWeights['bias']> } {
    const weight = this.#reader.take(`${prefix}.weight`, [null, null, null, null]);
    return { weight, bias: this.#reader.take(`${prefix}.bias`, [weight.dims[1] ?? 0]) };
  }

  #enlarge(
    value: string,
    {
      weight,
      bias,
    }: { readonly weight: ConvWeights['weight']; readonly bias: NonNullable<ConvWeights['bias']> },
    { stride, padding }: { readonly stride: number; readonly padding: number },
  ): string {
    const graph = this.#graph;
    return graph.node('ConvTranspose', [value, graph.tensor(weight), graph.tensor(bias)], {
      kernel_shape: weight.dims.slice(2),
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    });
  }
}

/** Mirrors `border` samples at each side, and more at the right and the bottom where sizes are no multiples. */
function mirrorBorders(
  graph: GraphBuilder,
  value: string,
  { border, multiple }: { readonly border: number; readonly multiple: number },
): string {
  const side = graph.integers([multiple]);
  const over = graph.node('Mod', [graph.node('Shape', [value], { start: 2 }), side]);
  const missing = graph.node('Mod', [graph.sub(side, over), side]);
  const ends = graph.add(missing, graph.integers([border]));
  const pads = graph.node('Concat', [graph.integers([0, 0, border, border, 0, 0]), ends], { axis: 0 });
  return graph.node('Pad', [value, pads], { mode: 'reflect' });
}

function cutBorders(graph: GraphBuilder, value: string, amount: number): string {
  const [starts, ends] = [graph.integers([amount, amount]), graph.integers([-amount, -amount])];
  return graph.node('Slice', [value, starts, ends, graph.integers([2, 3])]);
}
