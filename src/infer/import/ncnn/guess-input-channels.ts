import type { NcnnLayer } from './read-param.ts';

/** Layers whose result has the channels of their first input. */
const KEEPS_CHANNELS = new Set(['Split', 'BinaryOp', 'Interp', 'Padding', 'Noop', 'Clip', 'Scale']);
const USUAL_CHANNELS = 3;

/**
 * Channels of the picture that comes in: those that the first convolution on its way takes, since files seldom state them.
 * Throws an `Error` where not exactly one picture comes in.
 */
export function guessInputChannels(layers: readonly NcnnLayer[]): number {
  const inputs = layers.filter(({ type }) => type === 'Input');
  const [input] = inputs;
  if (input === undefined || inputs.length > 1 || input.tops.length !== 1) {
    throw new Error(`it takes ${inputs.length} inputs instead of one picture`);
  }
  const stated = input.params.size(2, 0);
  if (stated > 0) return stated;
  /** By blob: how many of its channels one channel of the input makes. */
  const folds = new Map(input.tops.map((name) => [name, 1]));
  for (const { type, bottoms, tops, params } of layers) {
    const fold = folds.get(bottoms[0] ?? '');
    if (fold === undefined) continue;
    if (type === 'Convolution') {
      const width = params.size(1, 0, 1);
      const inputsOfKernel =
        params.size(6, 0, 1) / (params.size(0, 0, 1) * width * params.size(11, width, 1));
      const channels = inputsOfKernel / fold;
      if (Number.isInteger(channels)) return channels;
    }
    if (KEEPS_CHANNELS.has(type)) for (const top of tops) folds.set(top, fold);
    if (type === 'Reorg') for (const top of tops) folds.set(top, fold * params.size(0, 1, 1) ** 2);
  }
  return USUAL_CHANNELS;
}
