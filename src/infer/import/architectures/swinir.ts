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
import { addClosing, addMean, addUpsampler, subtractMean } from '../transformer-ends.ts';
import { countFrom, WeightReader } from '../weight-reader.ts';
import { addAttention, gatherBias, rollTokens, WindowGrid } from '../window-attention.ts';

const FIRST_TABLE = 'layers.0.residual_group.blocks.0.attn.relative_position_bias_table';
/** Parts of the names that successors add to SwinIR's. */
const OTHERS = /\.(conv_block|overlap_attn|logit_scale|cpb_mlp)\./;

/**
 * SwinIR, classical, lightweight and for real photographs: attention in windows, every second time shifted by half a window. Liang et
 * al., SwinIR (https://arxiv.org/abs/2108.10257). Sizes that are no multiple of the window are filled up by their mirror image.
 */
export const SWINIR: Architecture = {
  name: 'SwinIR',
  build(state) {
    if (!state.has(FIRST_TABLE) || !state.has('conv_first.weight')) return null;
    if ([...state.keys()].some((name) => OTHERS.test(name))) return null;
    const reader = new WeightReader(state);
    ignoreBuffers(reader, state.keys());
    const first = reader.takeConv('conv_first');
    const { inputs: channels, outputs: features } = first;
    const window = readWindow(state.get(FIRST_TABLE)?.dims[0] ?? 0);
    const graph = new GraphBuilder(channels);
    const padded = padToMultiple(graph, graph.input, window, 'reflect');
    const shallow = graph.conv(subtractMean(graph, padded, channels), first);
    let tokens = toTokens(graph, shallow);
    const blocks = new BlockBuilder(graph, reader, tokens, { window, features });
    if (reader.has('patch_embed.norm.weight')) {
      tokens = addLayerNorm(graph, tokens, takeNorm(reader, 'patch_embed.norm', features));
    }
    const layers = countFrom(0, (i) => reader.has(`layers.${i}.residual_group.blocks.0.norm1.weight`));
    for (let layer = 0; layer < layers; layer++) {
      const group = `layers.${layer}.residual_group.blocks`;
      const depth = countFrom(0, (i) => reader.has(`${group}.${i}.norm1.weight`));
      let inner = tokens;
      for (let block = 0; block < depth; block++) {
        inner = blocks.build(inner, `${group}.${block}`, block % 2 === 1);
      }
      const closed = addClosing(graph, reader, toPicture(graph, inner), `layers.${layer}.conv`, features);
      tokens = graph.add(toTokens(graph, closed), tokens);
    }
    const deep = toPicture(graph, addLayerNorm(graph, tokens, takeNorm(reader, 'norm', features)));
    const body = graph.add(addClosing(graph, reader, deep, 'conv_after_body', features), shallow);
    const { value, scale } = addUpsampler(graph, reader, body, { features, channels });
    reader.finish();
    const result = cropToScale(graph, addMean(graph, value, channels), graph.input, scale);
    return {
      model: graph.finish(result),
      title: `SwinIR, x${scale}, ${features} channels, ${layers} layers, windows of ${window}`,
    };
  },
};

/** Swin transformer blocks; the mask of shifted windows is made once for all of them. */
class BlockBuilder {
  readonly #graph: GraphBuilder;
  readonly #reader: WeightReader;
  readonly #grid: WindowGrid;
  readonly #window: number;
  readonly #features: number;
  #mask: string | null = null;

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

  build(value: string, prefix: string, isShifted: boolean): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const features = this.#features;
    const normal = addLayerNorm(graph, value, takeNorm(reader, `${prefix}.norm1`, features));
    const attended = graph.add(value, this.#attend(normal, `${prefix}.attn`, isShifted));
    const inner = addLayerNorm(graph, attended, takeNorm(reader, `${prefix}.norm2`, features));
    const widen = takeLinear(reader, `${prefix}.mlp.fc1`, { inputs: features });
    const narrow = takeLinear(reader, `${prefix}.mlp.fc2`, { inputs: widen.outputs, outputs: features });
    return graph.add(attended, addLinear(graph, graph.gelu(addLinear(graph, inner, widen)), narrow));
  }

  #attend(value: string, prefix: string, isShifted: boolean): string {
    const graph = this.#graph;
    const reader = this.#reader;
    const channels = this.#features;
    const size = { height: this.#window, width: this.#window };
    const shift = this.#window >> 1;
    const table = reader.take(`${prefix}.relative_position_bias_table`, [(2 * this.#window - 1) ** 2, null]);
    const heads = table.dims[1] ?? 1;
    if (channels % heads !== 0) throw new Error(`${heads} heads do not share ${channels} channels evenly`);
    const moved = isShifted ? rollTokens(graph, value, { height: -shift, width: -shift }) : value;
    const projected = addLinear(
      graph,
      this.#grid.partition(moved, channels),
      takeLinear(reader, `${prefix}.qkv`, { inputs: channels, outputs: 3 * channels }),
    );
    const part = (i: number): string => sliceTokens(graph, projected, i * channels, (i + 1) * channels);
    if (isShifted) this.#mask ??= this.#grid.mask({ height: shift, width: shift });
    const attended = addAttention(graph, {
      query: part(0),
      key: part(1),
      value: part(2),
      channels,
      heads,
      bias: graph.tensor(gatherBias(table, size)),
      mask: isShifted ? this.#mask : null,
    });
    const output = takeLinear(reader, `${prefix}.proj`, { inputs: channels, outputs: channels });
    const merged = this.#grid.merge(addLinear(graph, attended, output), channels);
    return isShifted ? rollTokens(graph, merged, { height: shift, width: shift }) : merged;
  }
}

/** What follows from sizes alone lies in the files too. */
function ignoreBuffers(reader: WeightReader, names: Iterable<string>): void {
  for (const name of names) {
    if (/\.(relative_position_index|attn_mask)$/.test(name)) reader.ignore(name);
  }
}

function readWindow(rows: number): number {
  const window = (Math.sqrt(rows) + 1) / 2;
  if (!Number.isInteger(window) || window < 2) throw new Error(`${rows} biases belong to no square window`);
  return window;
}
