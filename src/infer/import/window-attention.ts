import type { GraphBuilder } from './graph-builder.ts';
import type { WeightTensor } from './state-dict.ts';

/** Past the end of anything. */
const END = Number.MAX_SAFE_INTEGER;
/** What attention to another part of the picture is lowered by, before the softmax. */
const MASKED = 100;

export interface WindowSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Windows that tokens [1, height, width, channels] are cut into, and put together from. The sizes are free but multiples of the
 * window's; they are read from `like` when the network runs.
 */
export class WindowGrid {
  readonly #graph: GraphBuilder;
  readonly #window: WindowSize;
  /** Height and width of the picture. */
  readonly #size: string;
  /** How many windows there are down and across, one value each. */
  readonly #down: string;
  readonly #across: string;

  constructor(graph: GraphBuilder, like: string, window: WindowSize) {
    this.#graph = graph;
    this.#window = window;
    this.#size = graph.node('Shape', [like], { start: 1, end: 3 });
    const counts = graph.node('Div', [this.#size, graph.integers([window.height, window.width])]);
    this.#down = this.#pick(counts, 0);
    this.#across = this.#pick(counts, 1);
  }

  /** Tokens of each window: [windows, height * width of a window, channels]. */
  partition(value: string, channels: number): string {
    const { height, width } = this.#window;
    const cells = this.#reshape(value, [this.#down, height, this.#across, width, channels]);
    return this.#reshape(this.#turn(cells, [0, 2, 1, 3, 4]), [-1, height * width, channels]);
  }

  /** The other way of {@link WindowGrid.partition}. */
  merge(value: string, channels: number): string {
    const { height, width } = this.#window;
    const cells = this.#reshape(value, [this.#down, this.#across, height, width, channels]);
    return this.#reshape(this.#turn(cells, [0, 2, 1, 3, 4]), [1, this.#size, channels]);
  }

  /** As many tokens as a window has, spread evenly over the picture: [windows, height * width of a window, channels]. */
  spread(value: string, channels: number): string {
    const { height, width } = this.#window;
    const cells = this.#reshape(value, [height, this.#down, width, this.#across, channels]);
    return this.#reshape(this.#turn(cells, [1, 3, 0, 2, 4]), [-1, height * width, channels]);
  }

  /** The other way of {@link WindowGrid.spread}. */
  mergeSpread(value: string, channels: number): string {
    const { height, width } = this.#window;
    const cells = this.#reshape(value, [this.#down, this.#across, height, width, channels]);
    return this.#reshape(this.#turn(cells, [2, 0, 3, 1, 4]), [1, this.#size, channels]);
  }

  /** The tokens at one place of all windows together: [height * width of a window, windows, channels]. */
  gatherPlaces(value: string, channels: number): string {
    const { height, width } = this.#window;
    const cells = this.#reshape(value, [this.#down, height, this.#across, width, channels]);
    return this.#reshape(this.#turn(cells, [1, 3, 0, 2, 4]), [height * width, -1, channels]);
  }

  /** The other way of {@link WindowGrid.gatherPlaces}. */
  mergePlaces(value: string, channels: number): string {
    const { height, width } = this.#window;
    const cells = this.#reshape(value, [height, width, this.#down, this.#across, channels]);
    return this.#reshape(this.#turn(cells, [2, 0, 3, 1, 4]), [1, this.#size, channels]);
  }

  /**
   * What is added to the attention of shifted windows, [windows, 1, tokens, tokens]: those at the end hold tokens of both ends of the
   * picture, which have nothing to do with each other. Liu et al., Swin Transformer (https://arxiv.org/abs/2103.14030).
   */
  mask(shift: WindowSize): string {
    const graph = this.#graph;
    const { height, width } = this.#window;
    const rows = this.#numberParts(0, height, shift.height);
    const columns = this.#numberParts(1, width, shift.width);
    const parts = graph.add(graph.node('Unsqueeze', [graph.scale(rows, 3), graph.integers([1])]), columns);
    const cells = this.#reshape(parts, [this.#down, height, this.#across, width]);
    const windows = this.#reshape(this.#turn(cells, [0, 2, 1, 3]), [-1, 1, height * width]);
    const same = graph.node('Equal', [
      graph.node('Unsqueeze', [windows, graph.integers([3])]),
      graph.node('Unsqueeze', [windows, graph.integers([2])]),
    ]);
    return graph.scale(graph.shift(graph.node('Cast', [same], { to: 1 }), -1), MASKED);
  }

  /** For each row or column: 0 before the last window, 1 in it, 2 in what was moved there from the other end. */
  #numberParts(axis: 0 | 1, window: number, shift: number): string {
    const graph = this.#graph;
    const length = this.#pick(this.#size, axis);
    const none = graph.integers([0]);
    const scalar = (value: string): string => graph.node('Squeeze', [value, none]);
    const places = graph.node('Range', [scalar(none), scalar(length), scalar(graph.integers([1]))]);
    const [last, moved] = [window, shift].map((distance) => {
      const start = graph.sub(length, graph.integers([distance]));
      return graph.node('Cast', [graph.node('GreaterOrEqual', [places, start])], { to: 1 });
    });
    return graph.add(last ?? '', moved ?? '');
  }

  #pick(sizes: string, index: number): string {
    return this.#graph.node('Gather', [sizes, this.#graph.integers([index])]);
  }

  #turn(cells: string, perm: readonly number[]): string {
    return this.#graph.node('Transpose', [cells], { perm });
  }

  #reshape(value: string, sizes: readonly (number | string)[]): string {
    const graph = this.#graph;
    const parts = sizes.map((size) => (typeof size === 'number' ? graph.integers([size]) : size));
    return graph.node('Reshape', [value, graph.node('Concat', parts, { axis: 0 })]);
  }
}

/** `torch.roll` of tokens [1, height, width, channels]: negative amounts move up and to the left. */
export function rollTokens(graph: GraphBuilder, value: string, { height, width }: WindowSize): string {
  const rollAxis = (of: string, axis: number, amount: number): string => {
    const cut = (from: number, to: number): string =>
      graph.node('Slice', [of, graph.integers([from]), graph.integers([to]), graph.integers([axis])]);
    return graph.node('Concat', [cut(-amount, END), cut(0, -amount)], { axis });
  };
  return rollAxis(rollAxis(value, 1, height), 2, width);
}

export interface AttentionInputs {
  /** [windows, tokens, channels] each. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly channels: number;
  readonly heads: number;
  /** Added to the attention: [1, heads, tokens, tokens]. */
  readonly bias: string | null;
  /** Added to the attention: [windows, 1, tokens, tokens]. */
  readonly mask: string | null;
}

/** Multi-head attention among the tokens of each window: [windows, tokens, channels]. */
export function addAttention(
  graph: GraphBuilder,
  { query, key, value, channels, heads, bias, mask }: AttentionInputs,
): string {
  const depth = channels / heads;
  const split = (of: string, perm: readonly number[]): string =>
    graph.node('Transpose', [graph.node('Reshape', [of, graph.integers([0, 0, heads, depth])])], { perm });
  const scaled = graph.scale(split(query, [0, 2, 1, 3]), depth ** -0.5);
  let attention = graph.node('MatMul', [scaled, split(key, [0, 2, 3, 1])]);
  if (bias !== null) attention = graph.add(attention, bias);
  if (mask !== null) attention = graph.add(attention, mask);
  const weights = graph.node('Softmax', [attention], { axis: -1 });
  const result = graph.node('MatMul', [weights, split(value, [0, 2, 1, 3])]);
  const joined = graph.node('Transpose', [result], { perm: [0, 2, 1, 3] });
  return graph.node('Reshape', [joined, graph.integers([0, 0, channels])]);
}

export interface ChannelAttentionInputs {
  /** [groups, tokens, channels] each. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly channels: number;
  /** [heads, 1, 1]. */
  readonly temperature: WeightTensor;
}

/** Multi-head attention among the channels of each group of tokens: [groups, tokens, channels]. */
export function addChannelAttention(
  graph: GraphBuilder,
  { query, key, value, channels, temperature }: ChannelAttentionInputs,
): string {
  const [heads = 1] = temperature.dims;
  const split = (of: string, perm: readonly number[]): string => {
    const shape = graph.integers([0, 0, heads, channels / heads]);
    return graph.node('Transpose', [graph.node('Reshape', [of, shape])], { perm });
  };
  const left = normalizeAlong(graph, split(query, [0, 2, 3, 1]), -1);
  const right = normalizeAlong(graph, split(key, [0, 2, 1, 3]), -2);
  const attention = graph.mul(graph.node('MatMul', [left, right]), graph.tensor(temperature));
  const weights = graph.node('Softmax', [attention], { axis: -1 });
  const result = graph.node('MatMul', [weights, split(value, [0, 2, 3, 1])]);
  const joined = graph.node('Transpose', [result], { perm: [0, 3, 1, 2] });
  return graph.node('Reshape', [joined, graph.integers([0, 0, channels])]);
}

/** `F.normalize`: vectors to length 1. */
function normalizeAlong(graph: GraphBuilder, value: string, axis: number): string {
  const length = graph.node('ReduceL2', [value], { axes: [axis], keepdims: 1 });
  return graph.node('Div', [value, graph.node('Max', [length, graph.scalar(1e-12)])]);
}

/** For each two tokens of a window the row of the table of biases that belongs to where they stand to each other. */
export function listRelativePositions({ height, width }: WindowSize): number[] {
  const tokens = height * width;
  return Array.from({ length: tokens * tokens }, (_, i) => {
    const [from, to] = [Math.floor(i / tokens), i % tokens];
    const down = Math.floor(from / width) - Math.floor(to / width) + height - 1;
    const across = (from % width) - (to % width) + width - 1;
    return down * (2 * width - 1) + across;
  });
}

/** Biases [1, heads, tokens, tokens] of a table [(2 height - 1) (2 width - 1), heads]. */
export function gatherBias(table: WeightTensor, window: WindowSize): WeightTensor {
  const [, heads = 0] = table.dims;
  const positions = listRelativePositions(window);
  const tokens = window.height * window.width;
  const data = new Float32Array(heads * positions.length);
  for (let head = 0; head < heads; head++) {
    positions.forEach((row, i) => {
      data[head * positions.length + i] = table.data[row * heads + head] ?? 0;
    });
  }
  return { dims: [1, heads, tokens, tokens], data };
}
