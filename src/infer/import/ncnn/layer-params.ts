/** A parameter's value: a number, a list of numbers, or the text of an expression. */
export type ParamValue = number | readonly number[] | string;

/** The numbered parameters of one layer. Missing ones have the value that ncnn gives them. */
export class LayerParams {
  readonly #layer: string;
  readonly #values: ReadonlyMap<number, ParamValue>;

  constructor(layer: string, values: ReadonlyMap<number, ParamValue>) {
    this.#layer = layer;
    this.#values = values;
  }

  has(id: number): boolean {
    return this.#values.has(id);
  }

  /** Throws an `Error` where the value is no number. */
  float(id: number, fallback: number): number {
    const value = this.#values.get(id) ?? fallback;
    if (typeof value !== 'number')
      throw new Error(`parameter ${id} of its layer ${this.#layer} is no number`);
    return value;
  }

  /** Throws an `Error` where the value is no whole number. */
  integer(id: number, fallback: number): number {
    const value = this.float(id, fallback);
    if (!Number.isSafeInteger(value)) {
      throw new Error(`parameter ${id} of its layer ${this.#layer} is no whole number`);
    }
    return value;
  }

  /** An integer that a size can be. Throws an `Error` where it is less than `least`. */
  size(id: number, fallback: number, least = 0): number {
    const value = this.integer(id, fallback);
    if (value < least) throw new Error(`parameter ${id} of its layer ${this.#layer} is less than ${least}`);
    return value;
  }

  /** A list, empty where there is none. */
  list(id: number): readonly number[] {
    const value = this.#values.get(id) ?? [];
    if (typeof value === 'string') {
      throw new Error(`parameter ${id} of its layer ${this.#layer} is an expression`);
    }
    return typeof value === 'number' ? [value] : value;
  }
}
