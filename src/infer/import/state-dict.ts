/** A tensor of weights, float32, row-major. */
export interface WeightTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Weights by their names in the file, in the file's order. */
export type StateDict = ReadonlyMap<string, WeightTensor>;
