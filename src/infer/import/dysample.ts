import type { GraphBuilder } from './graph-builder.ts';
import type { WeightReader } from './weight-reader.ts';

/** Offsets are at most this far from where they start, in samples. */
const REACH = 0.5;

/**
 * DySample: enlarges by sampling at places that are computed from the features. Liu et al., Learning to Upsample by Learning to Sample
 * (https://arxiv.org/abs/2308.15085). Takes the weights under `prefix`, the convolution at its end among them.
 */
export function addDySample(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  {
    features,
    channels,
    scale,
  }: { readonly features: number; readonly channels: number; readonly scale: number },
): string {
  const offset = reader.takeConv(`${prefix}.offset`, { inputs: features, kernel: 1 });
  const scope = reader.takeConv(`${prefix}.scope`, { inputs: features, outputs: offset.outputs, kernel: 1 });
  const end = reader.takeConv(`${prefix}.end_conv`, { inputs: features, outputs: channels, kernel: 1 });
  reader.ignore(`${prefix}.init_pos`);
  const places = offset.outputs / 2;
  const groups = places / scale ** 2;
  if (!Number.isInteger(groups) || features % groups !== 0) {
    throw new Error(`its weight ${prefix}.offset.weight has places for no whole number of groups`);
  }
  const freedom = graph.scale(graph.sigmoid(graph.conv(value, scope)), REACH);
  const moved = graph.mul(graph.conv(value, offset), freedom);
  const offsets = graph.add(moved, graph.perChannel({ data: listStarts(scale, groups) }));
  const across = toGrid(graph, value, graph.sliceChannels(offsets, 0, places), 3);
  const down = toGrid(graph, value, graph.sliceChannels(offsets, places, 2 * places), 2);
  const spread = graph.pixelShuffle(graph.concat([across, down]), scale);
  const size = graph.node('Shape', [spread], { start: 2 });
  const paired = reshape(graph, spread, [2, groups], size);
  const grid = graph.node('Transpose', [paired], { perm: [1, 2, 3, 0] });
  const own = graph.node('Shape', [value], { start: 2 });
  const split = reshape(graph, value, [groups, features / groups], own);
  const sampled = graph.node('GridSample', [split, grid], {
    mode: 'bilinear',
    padding_mode: 'border',
    align_corners: 0,
  });
  return graph.conv(reshape(graph, sampled, [1, features], size), end);
}

/** Where each new sample lies within the old one, along the width and then along the height. */
function listStarts(scale: number, groups: number): Float32Array {
  const place = (i: number): number => (i - (scale - 1) / 2) / scale;
  const area = scale ** 2;
  return Float32Array.from({ length: 2 * groups * area }, (_, i) => {
    const at = i % area;
    return place(i < groups * area ? at % scale : Math.floor(at / scale));
  });
}

/** Offsets from the middle of each sample, as places between -1 and 1 along one axis of the picture. */
function toGrid(graph: GraphBuilder, like: string, offsets: string, axis: 2 | 3): string {
  const length = graph.node('Shape', [like], { start: axis, end: axis + 1 });
  const none = graph.integers([0]);
  const [start, end, step] = [none, length, graph.integers([1])].map((bound) =>
    graph.node('Squeeze', [bound, none]),
  ) as [string, string, string];
  const indices = graph.node('Cast', [graph.node('Range', [start, end, step])], { to: 1 });
  const axes = graph.integers(axis === 3 ? [0, 1, 2] : [0, 1, 3]);
  const middles = graph.shift(graph.node('Unsqueeze', [indices, axes]), 0.5);
  const factor = graph.node('Div', [graph.scalar(2), graph.node('Cast', [length], { to: 1 })]);
  return graph.shift(graph.mul(graph.add(offsets, middles), factor), -1);
}

/** Gives `value` the sizes `outer`, then those that `inner` holds. */
function reshape(graph: GraphBuilder, value: string, outer: readonly number[], inner: string): string {
  const shape = graph.node('Concat', [graph.integers(outer), inner], { axis: 0 });
  return graph.node('Reshape', [value, shape]);
}
