import type { OnnxModel } from '../graph/onnx-model.ts';
import type { StateDict } from './state-dict.ts';

/** A kind of network that can be built again from the names and shapes of its weights. */
export interface Architecture {
  /** The community's name: `SRVGGNetCompact`. */
  readonly name: string;
  /**
   * Null where the tensors are not of this architecture. Everything is read from names and shapes.
   *
   * @throws an `Error` whose message says in half a sentence what does not fit, where the tensors are of this architecture but
   *   do not fit together
   */
  build(state: StateDict): BuiltNetwork | null;
}

export interface BuiltNetwork {
  /** One picture in, one out: [1, channels, height, width] of float32, sizes free, operator set 17. */
  readonly model: OnnxModel;
  /** In words: `SRVGGNetCompact, x2, 64 channels, 16 layers`. */
  readonly title: string;
}
