import { PickledTensor, type PickleDict, type PickleValue } from './pickle-values.ts';

/** Under which names trainers put the weights into a checkpoint, the best first: averaged weights before the raw ones. */
const WRAPPERS = [
  'params_ema',
  'params',
  'ema_state_dict',
  'state_dict',
  'model_state_dict',
  'model',
  'net_g_ema',
  'net_g',
  'network',
  'generator',
] as const;

/** What wrappers of a network put before the name of each weight. */
const PREFIXES = ['module.', '_orig_mod.', 'net_g.', 'netG.', 'generator.'] as const;

const MOST_LEVELS = 4;

/**
 * Finds the weights of the network in a checkpoint, by their names. Counters, schedules and the like are passed over.
 *
 * @throws an `Error` where there are none
 */
export function chooseWeights(root: PickleValue): ReadonlyMap<string, PickledTensor> {
  let dict = root;
  for (let level = 0; level < MOST_LEVELS && dict instanceof Map; level++) {
    const inner = findWrapped(dict);
    if (inner === undefined) break;
    dict = inner;
  }
  if (!(dict instanceof Map)) throw new Error('what it holds is no dictionary of weights');
  const weights = new Map<string, PickledTensor>();
  for (const [name, value] of dict) {
    if (typeof name === 'string' && value instanceof PickledTensor) weights.set(name, value);
  }
  if (weights.size === 0) throw new Error('it holds no weights');
  return stripPrefixes(weights);
}

function findWrapped(dict: PickleDict): PickleDict | undefined {
  for (const name of WRAPPERS) {
    const inner = dict.get(name);
    if (inner instanceof Map && inner.size > 0) return inner;
  }
  return undefined;
}

function stripPrefixes(weights: ReadonlyMap<string, PickledTensor>): ReadonlyMap<string, PickledTensor> {
  let stripped = weights;
  for (let level = 0; level < MOST_LEVELS; level++) {
    const names = [...stripped.keys()];
    const prefix = PREFIXES.find((candidate) => names.every((name) => name.startsWith(candidate)));
    if (prefix === undefined) break;
    stripped = new Map([...stripped].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
  return stripped;
}
