import { chooseWeights } from './choose-weights.ts';
import { materialize, type ReadStorage } from './materialize.ts';
import { locateStorages, readLegacyPickle } from './legacy-layout.ts';
import { unpickle } from './unpickle.ts';
import { ZipArchive } from './zip-archive.ts';
import type { StateDict } from '../state-dict.ts';

const MOST_PICKLE_BYTES = 32 * 2 ** 20;

/**
 * Reads the weights in a file of `torch.save`, zipped, as PyTorch writes them since 1.6. What else is in it is not looked at.
 *
 * @throws an `Error` that says in half a sentence what is wrong
 */
export async function readTorchZip(bytes: Uint8Array): Promise<StateDict> {
  const archive = await ZipArchive.open(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const [pickle, ...others] = archive.names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined || others.length > 0) throw new Error('it is an archive, but none of PyTorch');
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (archive.names.includes(`${folder}constants.pkl`)) {
    throw new Error('it is a TorchScript program; what is needed are weights (a state_dict)');
  }
  const order = `${folder}byteorder`;
  if (archive.names.includes(order) && new TextDecoder().decode(await archive.read(order)) !== 'little') {
    throw new Error('its numbers are big endian');
  }
  if (archive.sizeOf(pickle) > MOST_PICKLE_BYTES) {
    throw new Error('its pickle is longer than that of any weights');
  }
  const { value } = unpickle(await archive.read(pickle));
  const read: ReadStorage = ({ key }) => archive.read(`${folder}data/${key}`);
  return materialize(chooseWeights(value), read, bytes.length);
}

/**
 * Reads the weights in a file of `torch.save` as it was before PyTorch 1.6: pickles, then the storages one after another.
 *
 * @throws an `Error` that says in half a sentence what is wrong
 */
export async function readTorchLegacy(bytes: Uint8Array): Promise<StateDict> {
  const pickle = readLegacyPickle(bytes);
  const weights = chooseWeights(pickle.value);
  const places = locateStorages(bytes, pickle);
  const read: ReadStorage = ({ key }) => {
    const place = places.get(key);
    if (place === undefined) throw new Error(`it has no storage ${key}`);
    return place;
  };
  return materialize(weights, read, bytes.length);
}
