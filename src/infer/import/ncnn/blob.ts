import type { GraphBuilder } from '../graph-builder.ts';
import type { NcnnLayer } from './read-param.ts';
import type { BinReader } from './bin-reader.ts';

/**
 * A value between layers. ncnn's have 1 to 3 dimensions (width; height, width; channels, height, width) and no batch; in the
 * graph that is made of them a batch of 1 comes first.
 */
export interface Blob {
  readonly value: string;
  readonly rank: 1 | 2 | 3;
  /** Size of the outermost dimension, where it is known. */
  readonly channels: number | null;
}

/** Where a layer's operations are put and its weights come from. */
export interface LayerContext {
  readonly graph: GraphBuilder;
  readonly weights: BinReader;
}

/**
 * Turns one layer into operations and gives what it writes. Throws an `Error` that says what is wrong, or what cannot be done.
 */
export type LayerConverter = (
  layer: NcnnLayer,
  inputs: readonly Blob[],
  context: LayerContext,
) => readonly Blob[];

/** What `layer` reads. Throws an `Error` where there is nothing. */
export function firstOf(layer: NcnnLayer, inputs: readonly Blob[]): Blob {
  const [input] = inputs;
  if (input === undefined) throw new Error(`its layer ${layer.name} reads nothing`);
  return input;
}

/** An `Error` for what a layer asks for and the import cannot do. */
export function refuseLayer(layer: NcnnLayer, what: string): Error {
  return new Error(`its layer ${layer.name} (${layer.type}) ${what}`);
}

/** The graph's axis for ncnn's: the batch comes first, negative ones count from the end in both. */
export function toAxis(layer: NcnnLayer, axis: number, { rank }: Pick<Blob, 'rank'>): number {
  if (axis < -rank || axis >= rank) throw refuseLayer(layer, `names axis ${axis} of ${rank}`);
  return axis < 0 ? axis + rank + 1 : axis + 1;
}
