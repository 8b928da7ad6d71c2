import type { Architecture } from '../architecture.ts';
import { takeNormedConv } from '../batch-norm.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { padToMultiple } from '../pad-to-multiple.ts';
import {
  addLayerNorm,
  addLinear,
  sliceTokens,
  takeLinear,
  takeNorm,
  toPicture,
  toTokens,
} from '../token-layers.ts';
import { addClosing, addMean, addUpsampler, subtractMean } from '../transformer-ends.ts';
import { countFrom, WeightReader } from '../weight-reader.ts';
import {
  addAttention,
  addChannelAttention,
  listRelativePositions,
  rollTokens,
  WindowGrid,
  type WindowSize,
} from '../window-attention.ts';

const FIRST_POSITIONS = 'layers.0.blocks.0.attn.attns.0.rpe_biases';

/**
 * DAT: attention among the samples of long windows, and among the channels of the whole picture, in turn. Chen et al., Dual Aggregation
 * Transformer (https://arxiv.org/abs/2308.03364).
 */
export const DAT: Architecture = {
  name: 'DAT',
  build(state) {
    const positions = state.get(FIRST_POSITIONS);
    if (positions === undefined || !state.has('before_RG.1.weight')) return null;
    const reader = new WeightReader(state);
    for (const name of state.keys()) {
      if (/\.(rpe_biases|relative_position_index|attn_mask_[01]|num_batches_tracked)$/.test(name)) {
        reader.ignore(name);
      }
    }
    // The last row holds the largest distances within a window.
    const [height = 0, width = 0] = [...positions.data.slice(-2)].map((distance) => distance + 1);
    if (!(height > 0 && width > 0 && Number.isInteger(height) && Number.isInteger(width))) {
      throw new Error(`its weight ${FIRST_POSITIONS} tells no size of windows`);
    }
    const first = reader.takeConv('conv_first');
    const { inputs: channels, outputs: features } = first;
    const graph = new GraphBuilder(channels);
    const shallow = graph.conv(subtractMean(graph, graph.input, channels), first);
    let tokens = addLayerNorm(graph, toTokens(graph, shallow), takeNorm(reader, 'before_RG.1', features));
    const builder = new BlockBuilder(graph, reader, { height, width }, features);
    const layers = countFrom(0, (i) => reader.has(`layers.${i}.blocks.0.norm1.weight`));
    for (let layer = 0; layer < layers; layer++) {
      const prefix = `layers.${layer}`;
      const depth = countFrom(0, (i) => reader.has(`${prefix}.blocks.${i}.norm1.weight`));
      let inner = tokens;
      for (let block = 0; block < depth; block++) {
        const isShifted = layer % 2 === 0 ? block % 4 === 2 : block % 4 === 0;
        inner = builder.build(inner, `${prefix}.blocks.${block}`, isShifted);
      }
      const closed = addClosing(graph, reader, toPicture(graph, inner), `${prefix}.conv`, features);
      tokens = graph.add(toTokens(graph, closed), tokens);
    }
    const deep = toPicture(graph, addLayerNorm(graph, tokens, takeNorm(reader, 'norm', features)));
    const body = graph.add(addClosing(graph, reader, deep, 'conv_after_body', features), shallow);
    const { value, scale } = addUpsampler(graph, reader, body, { features, channels });
    reader.finish();
    return {
      model: graph.finish(addMean(graph, value, channels)),
      title: `DAT, x${scale}, ${features} channels, ${layers} layers, windows of ${height}x${width}`,
    };
  },
};

class BlockBuilder {
  readonly #graph: GraphBuilder;
  readonly #reader: WeightReader;
  readonly #features: number;
  /** Half of the channels are seen in windows that lie, the other half in such that stand. */
  readonly #windows: readonly [WindowSize, WindowSize];
  #grids: readonly [WindowGrid, WindowGrid] | null = null;
  readonly #masks = new Map<WindowSize, string>();

  constructor(graph: GraphBuilder, reader: WeightReader, window: WindowSize, features: number) {
    this.#graph = graph;
    this.#reader = reader;
    this.#features = features;
    this.#windows = [window, { height: window.width, width: window.height }];
  }

  build(value: string, prefix: string, isShifted: boolean): string {
    const graph = this.#graph;
    const normal = addLayerNorm(graph, value, takeNorm(this.#reader, `${prefix}.norm1`, this.#features));
    const isSpatial = this.#reader.has(`${prefix}.attn.attns.0.pos.pos_proj.weight`);
    const attended = isSpatial
      ? this.#attendSamples(normal, `${prefix}.attn`, isShifted)
      : this.#attendChannels(normal, `${prefix}.attn`);
    const sum = graph.add(value, attended);
    const inner = addLayerNorm(graph, sum, takeNorm(this.#reader, `${prefix}.norm2`, this.#features));
    return graph.add(sum, this.#feedForward(inner, `${prefix}.ffn`));
  }

  #attendSamples(value: string, prefix: string, isShifted: boolean): string {
    const graph = this.#graph;
    const channels = this.#features;
    const projected = this.#project(value, prefix);
    const side = Math.max(this.#windows[0].height, this.#windows[0].width);
    const padded = toTokens(graph, padToMultiple(graph, toPicture(graph, projected), side, 'constant'));
    this.#grids ??= [
      new WindowGrid(graph, padded, this.#windows[0]),
      new WindowGrid(graph, padded, this.#windows[1]),
    ];
    const branches = this.#grids.map((grid, i) =>
      this.#attendBranch(padded, `${prefix}.attns.${i}`, grid, i, isShifted),
    );
    const joined = graph.node('Concat', branches, { axis: 3 });
    const size = graph.node('Shape', [value], { start: 1, end: 3 });
    const cut = graph.node('Slice', [joined, graph.integers([0, 0]), size, graph.integers([1, 2])]);
    const attended = toPicture(graph, cut);
    const own = toPicture(graph, sliceTokens(graph, projected, 2 * channels, 3 * channels));
    const convolved = this.#convolve(own, prefix);
    const gated = graph.mul(attended, this.#gateChannels(convolved, prefix));
    return this.#output(graph.add(gated, graph.mul(convolved, this.#gateSamples(attended, prefix))), prefix);
  }

  #attendBranch(padded: string, prefix: string, grid: WindowGrid, index: number, isShifted: boolean): string {
    const graph = this.#graph;
    const half = this.#features / 2;
    const window = this.#windows[index === 0 ? 0 : 1];
    const shift = { height: window.height >> 1, width: window.width >> 1 };
    const part = (i: number): string => {
      const from = (2 * i + index) * half;
      const own = sliceTokens(graph, padded, from, from + half);
      const moved = isShifted ? rollTokens(graph, own, { height: -shift.height, width: -shift.width }) : own;
      return grid.partition(moved, half);
    };
    if (isShifted && !this.#masks.has(window)) this.#masks.set(window, grid.mask(shift));
    const { bias, heads } = this.#addPositions(`${prefix}.pos`, window);
    const attended = addAttention(graph, {
      query: part(0),
      key: part(1),
      value: part(2),
      channels: half,
      heads,
      bias,
      mask: isShifted ? (this.#masks.get(window) ?? null) : null,
    });
    const merged = grid.merge(attended, half);
    return isShifted ? rollTokens(graph, merged, shift) : merged;
  }

  /** Biases that a small network makes of distances: constants, which the runtime computes once. */
  #addPositions(prefix: string, window: WindowSize): { bias: string; heads: number } {
    const graph = this.#graph;
    const reader = this.#reader;
    const { height, width } = window;
    const columns = 2 * width - 1;
    const distances = Array.from({ length: (2 * height - 1) * columns }, (_, i) => [
      Math.floor(i / columns) + 1 - height,
      (i % columns) + 1 - width,
    ]);
    const data = Float32Array.from(distances.flat());
    const first = takeLinear(reader, `${prefix}.pos_proj`, { inputs: 2 });
    let value = addLinear(graph, graph.tensor({ dims: [distances.length, 2], data }), first);
    let heads = first.outputs;
    for (const step of ['pos1', 'pos2', 'pos3']) {
      const norm = takeNorm(reader, `${prefix}.${step}.0`, first.outputs);
      const linear = takeLinear(reader, `${prefix}.${step}.2`, { inputs: first.outputs });
      value = addLinear(graph, graph.relu(addLayerNorm(graph, value, norm)), linear);
      heads = linear.outputs;
    }
    const tokens = height * width;
    const rows = graph.node('Gather', [value, graph.integers(listRelativePositions(window))]);
    const turned = graph.node('Transpose', [rows], { perm: [1, 0] });
    return { bias: graph.node('Reshape', [turned, graph.integers([1, heads, tokens, tokens])]), heads };
  }

  #attendChannels(value: string, prefix: string): string {
    const graph = this.#graph;
    const channels = this.#features;
    const projected = this.#project(value, prefix);
    const part = (i: number): string => sliceTokens(graph, projected, i * channels, (i + 1) * channels);
    const flat = (of: string): string => graph.node('Reshape', [of, graph.integers([1, -1, channels])]);
    const attended = addChannelAttention(graph, {
      query: flat(part(0)),
      key: flat(part(1)),
      value: flat(part(2)),
      channels,
      temperature: this.#reader.take(`${prefix}.temperature`, [null, 1, 1]),
    });
    const shaped = graph.node('Reshape', [attended, graph.node('Shape', [value])]);
    const picture = toPicture(graph, shaped);
    const convolved = this.#convolve(toPicture(graph, part(2)), prefix);
    const gated = graph.mul(picture, this.#gateSamples(convolved, prefix));
    return this.#output(graph.add(gated, graph.mul(convolved, this.#gateChannels(picture, prefix))), prefix);
  }

  #project(value: string, prefix: string): string {
    const sizes = { inputs: this.#features, outputs: 3 * this.#features };
    return addLinear(this.#graph, value, takeLinear(this.#reader, `${prefix}.qkv`, sizes));
  }

  #output(picture: string, prefix: string): string {
    const sizes = { inputs: this.#features, outputs: this.#features };
    const linear = takeLinear(this.#reader, `${prefix}.proj`, sizes);
    return addLinear(this.#graph, toTokens(this.#graph, picture), linear);
  }

  #convolve(picture: string, prefix: string): string {
    const sizes = { inputs: 1, outputs: this.#features };
    const convolution = takeNormedConv(this.#reader, `${prefix}.dwconv.0`, `${prefix}.dwconv.1`, sizes);
    return this.#graph.gelu(this.#graph.conv(picture, convolution, { groups: this.#features }));
  }

  #gateChannels(picture: string, prefix: string): string {
    const pooled = this.#graph.globalAveragePool(picture);
    return this.#gate(pooled, `${prefix}.channel_interaction`, 1, this.#features);
  }

  #gateSamples(picture: string, prefix: string): string {
    return this.#gate(picture, `${prefix}.spatial_interaction`, 0, 1);
  }

  #gate(value: string, prefix: string, start: number, outputs: number): string {
    const graph = this.#graph;
    const names = [`${prefix}.${start}`, `${prefix}.${start + 1}`] as const;
    const narrow = takeNormedConv(this.#reader, ...names, { inputs: this.#features });
    const widen = this.#reader.takeConv(`${prefix}.${start + 3}`, { inputs: narrow.outputs, outputs });
    return graph.sigmoid(graph.conv(graph.gelu(graph.conv(value, narrow)), widen));
  }

  #feedForward(value: string, prefix: string): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const widen = takeLinear(reader, `${prefix}.fc1`, { inputs: this.#features });
    const half = widen.outputs / 2;
    const wide = graph.gelu(addLinear(graph, value, widen));
    const norm = takeNorm(reader, `${prefix}.sg.norm`, half);
    const gate = addLayerNorm(graph, sliceTokens(graph, wide, half, 2 * half), norm);
    const each = reader.takeConv(`${prefix}.sg.conv`, { inputs: 1, outputs: half });
    const seen = toTokens(graph, graph.conv(toPicture(graph, gate), each, { groups: half }));
    const gated = graph.mul(sliceTokens(graph, wide, 0, half), seen);
    const narrow = takeLinear(reader, `${prefix}.fc2`, { inputs: half, outputs: this.#features });
    return addLinear(graph, gated, narrow);
  }
}
