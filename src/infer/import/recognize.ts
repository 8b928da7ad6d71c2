import type { BuiltNetwork } from './architecture.ts';
import { ARCHITECTURES } from './architectures/index.ts';
import type { StateDict } from './state-dict.ts';

/** A network that was built from weights, with the name of its architecture. */
export interface RecognizedNetwork extends BuiltNetwork {
  readonly architecture: string;
}

/**
 * Builds the network that weights belong to.
 *
 * @throws an `Error` that says in half a sentence what was found, where no known architecture has such weights or they do not
 *   fit together
 */
export function recognizeNetwork(state: StateDict): RecognizedNetwork {
  for (const architecture of ARCHITECTURES) {
    const { name } = architecture;
    let built: BuiltNetwork | null;
    try {
      built = architecture.build(state);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`it looks like ${name}, but ${reason}`, { cause: error });
    }
    if (built !== null) return { ...built, architecture: name };
  }
  const names = [...state].slice(0, 4).map(([name, { dims }]) => `${name} ${dims.join('x')}`);
  const known = ARCHITECTURES.map(({ name }) => name).join(', ');
  throw new Error(
    `its ${state.size} weights (${names.join(', ')}, ...) are of no network that is known; known are ${known}`,
  );
}
