import type { ConvWeights } from './graph-builder.ts';
import type { StateDict, WeightTensor } from './state-dict.ts';

/** A size that a weight must have; null where any will do. */
export type ExpectedSize = number | null;

/** Shape of a convolution's weights; what is left out may be anything. */
export interface ExpectedConv {
  readonly outputs?: number;
  /** Inputs of one group. */
  readonly inputs?: number;
  readonly kernel?: number;
}

/** Takes weights by name, checks their shapes, and remembers which were taken. All methods throw an `Error` that names the weight. */
export class WeightReader {
  readonly #state: StateDict;
  readonly #taken = new Set<string>();

  constructor(state: StateDict) {
    this.#state = state;
  }

  has(name: string): boolean {
    return this.#state.has(name);
  }

  take(name: string, dims: readonly ExpectedSize[]): WeightTensor {
    const tensor = this.#state.get(name);
    if (tensor === undefined) throw new Error(`its weight ${name} is missing`);
    const fits =
      tensor.dims.length === dims.length &&
      dims.every((size, i) => (tensor.dims[i] ?? 0) > 0 && (size === null || size === tensor.dims[i]));
    if (!fits) {
      throw new Error(
        `its weight ${name} is ${tensor.dims.join('x')} where ${dims.map((size) => size ?? 'any').join('x')} belongs`,
      );
    }
    this.#taken.add(name);
    return tensor;
  }

  /** `prefix.weight` and, where it is there, `prefix.bias` of a two-dimensional convolution. */
  takeConv(
    prefix: string,
    { outputs, inputs, kernel }: ExpectedConv = {},
  ): ConvWeights & { readonly outputs: number; readonly inputs: number; readonly kernel: number } {
    const weight = this.take(`${prefix}.weight`, [
      outputs ?? null,
      inputs ?? null,
      kernel ?? null,
      kernel ?? null,
    ]);
    const [o = 0, i = 0, k = 0, width = 0] = weight.dims;
    if (k !== width || k % 2 === 0)
      throw new Error(`its weight ${prefix}.weight is ${k}x${width} samples wide`);
    const bias = this.has(`${prefix}.bias`) ? this.take(`${prefix}.bias`, [o]) : null;
    return { weight, bias, outputs: o, inputs: i, kernel: k };
  }

  /** Names a weight as known and of no use. */
  ignore(name: string): void {
    this.#taken.add(name);
  }

  /** Throws where weights are left over: a variant that nobody here knows would give wrong pictures. */
  finish(): void {
    const left = [...this.#state.keys()].filter((name) => !this.#taken.has(name));
    if (left.length > 0) {
      throw new Error(`${left.length} of its weights have no place in it (${left.slice(0, 3).join(', ')})`);
    }
  }
}

/**
 * How many numbers there are in a row, from `first` on, for which `has` is true: blocks of a network by their numbers. */
export function countFrom(first: number, has: (index: number) => boolean): number {
  let count = 0;
  while (has(first + count)) count++;
  return count;
}

/** The whole factor whose square is `ratio`. Throws an `Error` where there is none. */
export function readFactor(ratio: number, what: string): number {
  const factor = Math.round(Math.sqrt(ratio));
  if (factor < 1 || factor * factor !== ratio)
    throw new Error(`${what} has a number of channels that no whole scale gives`);
  return factor;
}
