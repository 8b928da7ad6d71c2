import type { GraphBuilder } from './graph-builder.ts';

/**
 * Fills a picture [1, channels, height, width] up at its right and bottom, so that both sizes are multiples of `multiple`: with its
 * mirror image, or with zeros.
 */
export function padToMultiple(
  graph: GraphBuilder,
  value: string,
  multiple: number,
  mode: 'reflect' | 'constant',
): string {
  const side = graph.integers([multiple]);
  const size = graph.node('Shape', [value], { start: 2 });
  const over = graph.node('Mod', [size, side]);
  const missing = graph.node('Mod', [graph.sub(side, over), side]);
  const pads = graph.node('Concat', [graph.integers([0, 0, 0, 0, 0, 0]), missing], { axis: 0 });
  return graph.node('Pad', [value, pads], { mode });
}

/** Cuts the enlargement of a padded picture to `scale` times the size that `original` has. */
export function cropToScale(graph: GraphBuilder, value: string, original: string, scale: number): string {
  const size = graph.mul(graph.node('Shape', [original], { start: 2 }), graph.integers([scale]));
  return graph.node('Slice', [value, graph.integers([0, 0]), size, graph.integers([2, 3])]);
}
