import type { Architecture } from '../architecture.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { cropToScale, padToMultiple } from '../pad-to-multiple.ts';
import {
  addLayerNorm,
  addLinear,
  sliceTokens,
  takeLinear,
  takeNorm,
  toPicture,
  toTokens,
} from '../token-layers.ts';
import { countFrom, readFactor, WeightReader } from '../weight-reader.ts';
import { addAttention, addChannelAttention, gatherBias, WindowGrid } from '../window-attention.ts';

const FIRST_BLOCK = 'residual_layer.0.residual_layer.0.layer';
/** Of files without a table of positions; all published ones have windows of 8. */
const USUAL_WINDOW = 8;
const HEADS = 4;
const NORM_EPSILON = 1e-6;

/**
 * OmniSR: attention among the samples and among the channels of windows, once near and once spread over the picture. Wang et al.,
 * Omni Aggregation Networks (https://arxiv.org/abs/2304.10244). Sizes that are no multiple of the window are filled up by zeros.
 */
export const OMNISR: Architecture = {
  name: 'OmniSR',
  build(state) {
    if (!state.has(`${FIRST_BLOCK}.0.fn.0.weight`) || !state.has('input.weight')) return null;
    const reader = new WeightReader(state);
    for (const name of state.keys()) if (/total_(ops|params)$/.test(name)) reader.ignore(name);
    const first = reader.takeConv('input');
    const { inputs: channels, outputs: features } = first;
    const rows = state.get(`${FIRST_BLOCK}.2.fn.rel_pos_bias.weight`)?.dims[0];
    const window = rows === undefined ? USUAL_WINDOW : (Math.sqrt(rows) + 1) / 2;
    if (!Number.isInteger(window)) throw new Error(`${rows ?? 0} biases belong to no square window`);
    if (features % HEADS !== 0) throw new Error(`${HEADS} heads do not share ${features} channels evenly`);
    const graph = new GraphBuilder(channels);
    const shallow = graph.conv(padToMultiple(graph, graph.input, window, 'constant'), first);
    const groups = countFrom(0, (i) => reader.has(`residual_layer.${i}.esa.conv1.weight`));
    const builder = new BlockBuilder(graph, reader, toTokens(graph, shallow), { window, features });
    let value = shallow;
    for (let group = 0; group < groups; group++) value = builder.buildGroup(value, `residual_layer.${group}`);
    const body = graph.conv(value, reader.takeConv('output', { inputs: features, outputs: features }));
    const tail = reader.takeConv('up.0', { inputs: features });
    reader.finish();
    const scale = readFactor(tail.outputs / channels, 'up.0');
    const result = graph.pixelShuffle(graph.conv(graph.add(body, shallow), tail), scale);
    return {
      model: graph.finish(cropToScale(graph, result, graph.input, scale)),
      title: `OmniSR, x${scale}, ${features} channels, ${groups} groups, windows of ${window}`,
    };
  },
};

class BlockBuilder {
  readonly #graph: GraphBuilder;
  readonly #reader: WeightReader;
  readonly #grid: WindowGrid;
  readonly #window: number;
  readonly #features: number;

  constructor(
    graph: GraphBuilder,
    reader: WeightReader,
    like: string,
    { window, features }: { readonly window: number; readonly features: number },
  ) {
    this.#graph = graph;
    this.#reader = reader;
    this.#window = window;
    this.#features = features;
    this.#grid = new WindowGrid(graph, like, { height: window, width: window });
  }

  buildGroup(value: string, prefix: string): string {
    const graph = this.#graph;
    const row = `${prefix}.residual_layer`;
    const blocks = countFrom(0, (i) => this.#reader.has(`${row}.${i}.layer.0.fn.0.weight`));
    let inner = value;
    for (let block = 0; block < blocks; block++) inner = this.#buildBlock(inner, `${row}.${block}.layer`);
    const closing = this.#reader.takeConv(`${row}.${blocks}`, {
      inputs: this.#features,
      outputs: this.#features,
    });
    return this.#gateBySurroundings(graph.add(graph.conv(inner, closing), value), `${prefix}.esa`);
  }

  /** Layers by their numbers in the file; those that only turn values about have none. */
  #buildBlock(value: string, prefix: string): string {
    let inner = this.#addConvolutions(value, `${prefix}.0.fn`);
    inner = this.#attendSamples(inner, `${prefix}.2`, false);
    inner = this.#feedForward(inner, `${prefix}.4`);
    inner = this.#attendChannels(inner, `${prefix}.5`, false);
    inner = this.#feedForward(inner, `${prefix}.6`);
    inner = this.#attendSamples(inner, `${prefix}.8`, true);
    inner = this.#feedForward(inner, `${prefix}.10`);
    inner = this.#attendChannels(inner, `${prefix}.11`, true);
    return this.#feedForward(inner, `${prefix}.12`);
  }

  #addConvolutions(value: string, prefix: string): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const widen = reader.takeConv(`${prefix}.0`, { inputs: this.#features });
    const hidden = widen.outputs;
    const each = reader.takeConv(`${prefix}.2`, { inputs: 1, outputs: hidden });
    const narrow = reader.takeConv(`${prefix}.5`, { inputs: hidden, outputs: this.#features });
    let inner = graph.gelu(graph.conv(value, widen));
    inner = graph.gelu(graph.conv(inner, each, { groups: hidden }));
    const squeeze = takeLinear(reader, `${prefix}.4.gate.1`, { inputs: hidden });
    const excite = takeLinear(reader, `${prefix}.4.gate.3`, { inputs: squeeze.outputs, outputs: hidden });
    const pooled = toTokens(graph, graph.globalAveragePool(inner));
    const gate = addLinear(graph, graph.silu(addLinear(graph, pooled, squeeze)), excite);
    inner = graph.mul(inner, toPicture(graph, graph.sigmoid(gate)));
    return graph.add(graph.conv(inner, narrow), value);
  }

  #attendSamples(value: string, prefix: string, isSpread: boolean): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const channels = this.#features;
    const grid = this.#grid;
    const tokens = toTokens(graph, value);
    const normal = addLayerNorm(graph, tokens, takeNorm(reader, `${prefix}.norm`, channels));
    const projected = addLinear(
      graph,
      isSpread ? grid.spread(normal, channels) : grid.partition(normal, channels),
      takeLinear(reader, `${prefix}.fn.to_qkv`, { inputs: channels, outputs: 3 * channels }),
    );
    const part = (i: number): string => sliceTokens(graph, projected, i * channels, (i + 1) * channels);
    const table = `${prefix}.fn.rel_pos_bias.weight`;
    const size = { height: this.#window, width: this.#window };
    const attended = addAttention(graph, {
      query: part(0),
      key: part(1),
      value: part(2),
      channels,
      heads: HEADS,
      bias: reader.has(table)
        ? graph.tensor(gatherBias(reader.take(table, [(2 * this.#window - 1) ** 2, HEADS]), size))
        : null,
      mask: null,
    });
    const output = takeLinear(reader, `${prefix}.fn.to_out.0`, { inputs: channels, outputs: channels });
    const result = addLinear(graph, attended, output);
    const merged = isSpread ? grid.mergeSpread(result, channels) : grid.merge(result, channels);
    return toPicture(graph, graph.add(merged, tokens));
  }

  #attendChannels(value: string, prefix: string, isSpread: boolean): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const channels = this.#features;
    const grid = this.#grid;
    const same = { inputs: channels };
    let inner = this.#normalize(value, `${prefix}.norm`);
    inner = graph.conv(inner, reader.takeConv(`${prefix}.fn.qkv`, { ...same, outputs: 3 * channels }));
    const each = reader.takeConv(`${prefix}.fn.qkv_dwconv`, { inputs: 1, outputs: 3 * channels });
    const tokens = toTokens(graph, graph.conv(inner, each, { groups: 3 * channels }));
    const part = (i: number): string => {
      const own = sliceTokens(graph, tokens, i * channels, (i + 1) * channels);
      return isSpread ? grid.gatherPlaces(own, channels) : grid.partition(own, channels);
    };
    const attended = addChannelAttention(graph, {
      query: part(0),
      key: part(1),
      value: part(2),
      channels,
      temperature: reader.take(`${prefix}.fn.temperature`, [HEADS, 1, 1]),
    });
    const merged = isSpread ? grid.mergePlaces(attended, channels) : grid.merge(attended, channels);
    const output = reader.takeConv(`${prefix}.fn.project_out`, { ...same, outputs: channels });
    return graph.add(graph.conv(toPicture(graph, merged), output), value);
  }

  #feedForward(value: string, prefix: string): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const widen = reader.takeConv(`${prefix}.fn.project_in`, { inputs: this.#features });
    const hidden = widen.outputs;
    const each = reader.takeConv(`${prefix}.fn.dwconv`, { inputs: 1, outputs: hidden });
    const narrow = reader.takeConv(`${prefix}.fn.project_out`, {
      inputs: hidden / 2,
      outputs: this.#features,
    });
    const wide = graph.conv(this.#normalize(value, `${prefix}.norm`), widen);
    const inner = graph.conv(wide, each, { groups: hidden });
    const gate = graph.gelu(graph.sliceChannels(inner, 0, hidden / 2));
    const gated = graph.mul(gate, graph.sliceChannels(inner, hidden / 2, hidden));
    return graph.add(graph.conv(gated, narrow), value);
  }

  #normalize(value: string, prefix: string): string {
    const graph = this.#graph;
    const norm = takeNorm(this.#reader, prefix, this.#features);
    return toPicture(graph, addLayerNorm(graph, toTokens(graph, value), norm, NORM_EPSILON));
  }

  /** Enhanced spatial attention: a gate from a much smaller picture. */
  #gateBySurroundings(value: string, prefix: string): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const narrow = reader.takeConv(`${prefix}.conv1`, { inputs: this.#features });
    const same = { inputs: narrow.outputs, outputs: narrow.outputs };
    const own = graph.conv(value, narrow);
    const strided = reader.takeConv(`${prefix}.conv2`, same);
    const small = graph.maxPool(graph.conv(own, strided, { stride: 2, padding: 0 }), 7, 3);
    const seen = graph.conv(small, reader.takeConv(`${prefix}.conv3`, same));
    const kept = graph.conv(own, reader.takeConv(`${prefix}.conv_f`, same));
    const widen = reader.takeConv(`${prefix}.conv4`, { inputs: narrow.outputs, outputs: this.#features });
    const sum = graph.add(graph.resizeBilinearLike(seen, value), kept);
    return graph.mul(value, graph.sigmoid(graph.conv(sum, widen)));
  }
}
