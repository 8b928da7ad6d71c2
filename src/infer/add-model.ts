import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { describeUrl, fetchFile, type FetchFileOptions } from './fetch-file.ts';
import { importModel, type ImportedModel } from './import/import-model.ts';
import type { ModelFacts } from './infer-plan.ts';
import { inspectModel } from './inspect-model.ts';
import { manifestSchema, readManifest, type Manifest, type RegisteredModel } from './manifest.ts';
import { checkModelId, makeModelId } from './model-name.ts';
import { isShipped, loadRegistry, modelDirectories } from './registry.ts';

export interface AddModelOptions {
  /** Id. @defaultValue made from the file's name */
  readonly name?: string | undefined;
  /** What the file must hash to; of an ncnn pair, its `.param` followed by its `.bin`. */
  readonly sha256?: string | undefined;
  /** @defaultValue `unknown` */
  readonly license?: string | undefined;
  /** Put it in the place of one of the same id. @defaultValue false */
  readonly replace?: boolean | undefined;
  /** Folders of models; the first is written to. @defaultValue those of {@link modelDirectories} */
  readonly directories?: readonly [string, ...string[]] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: FetchFileOptions['onProgress'];
  /** Limits of what is fetched, for those who want others. */
  readonly limits?: Pick<FetchFileOptions, 'mostBytes' | 'patience'>;
}

export interface AddedModel {
  readonly model: RegisteredModel;
  /** `present`: the same bytes stood there already, and nothing was changed. */
  readonly outcome: 'added' | 'replaced' | 'present';
}

/** What a model is added from. */
interface Origin {
  /** For messages and the manifest. */
  readonly label: string;
  readonly fileName: string;
  readonly url: URL | null;
  /** The file, or its URL's text. */
  readonly at: string;
}

/** Starts the name of a folder that is not finished. */
const UNFINISHED = '.adding-';

/**
 * Imports the model at a path or a URL, finds out what it does by running it, and stores it as `ID/ID.onnx` with its manifest in the
 * user's folder of models. The folder appears whole or not at all.
 *
 * @throws UpscaleError `USAGE` for names that cannot be taken, `OUTPUT_EXISTS` where another model has the id, `MODEL_NOT_FOUND`,
 * `MODEL_INVALID` for what is no upscaler or not what `sha256` says, `OUTPUT_UNWRITABLE`, `DISK_SPACE`, `ABORTED`
 */
export async function addModel(source: string, options: AddModelOptions = {}): Promise<AddedModel> {
  const { signal, directories = modelDirectories() } = options;
  const origin = readOrigin(source);
  const wanted = readHash(options.sha256);
  const id = options.name ?? makeModelId(origin.fileName);
  checkModelId(id);
  const existing = (await loadRegistry({ directories })).list().find((model) => model.id === id);
  if (existing !== undefined && isShipped(existing)) {
    throw new UpscaleError('USAGE', `${id} is a model that comes with Upreel.`, {
      hint: 'Choose another name with --name.',
    });
  }
  const home = path.resolve(directories[0]);
  const work = await openWork(home);
  try {
    const { file, sha256 } = await obtain(origin, work, wanted, options);
    throwIfAborted(signal);
    const imported = await callingIt(file, origin.label, () => importModel(file));
    throwIfAborted(signal);
    const folder = path.join(work, id);
    await mkdir(folder);
    const network = path.join(folder, `${id}.onnx`);
    await writeFile(network, imported.bytes);
    const facts = await callingIt(network, origin.label, () =>
      inspectModel(network, signal === undefined ? {} : { signal }),
    );
    if (existing !== undefined && existing.facts.sha256 === facts.sha256) {
      return { model: existing, outcome: 'present' };
    }
    if (existing !== undefined && options.replace !== true) throw refuseExisting(existing);
    const manifest = describe({ id, imported, facts, origin, sha256, license: options.license });
    await writeFile(path.join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    throwIfAborted(signal);
    const isHere = existing !== undefined && path.dirname(path.resolve(existing.directory)) === home;
    const target = isHere ? existing.directory : path.join(home, id);
    await place(folder, target, options.replace === true ? path.join(work, 'old') : null);
    const model = await readManifest(target);
    if (model === null) throw new UpscaleError('INTERNAL', `${target} holds no model for whole pictures.`);
    return { model, outcome: existing === undefined ? 'added' : 'replaced' };
  } catch (error) {
    if (error instanceof UpscaleError) throw error;
    throw explainWriting(home, error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function readOrigin(source: string): Origin {
  if (!/^https?:\/\//i.test(source)) {
    const file = path.resolve(source);
    return { label: path.basename(file), fileName: path.basename(file), url: null, at: file };
  }
  const url = URL.canParse(source) ? new URL(source) : null;
  const fileName = decodeName(url?.pathname.split('/').at(-1) ?? '');
  if (url === null || fileName === '') {
    throw new UpscaleError('USAGE', `The address names no file.`, {
      hint: 'Give the address of the model file itself.',
    });
  }
  return { label: describeUrl(url), fileName, url, at: url.href };
}

/** A file's name out of a URL; without what would lead out of a folder. */
function decodeName(segment: string): string {
  let name = segment;
  try {
    name = decodeURIComponent(segment);
  } catch {
    // Not encoded after all.
  }
  return name.replaceAll(/[/\\:\0]/g, '-').replace(/^\.+/, '');
}

function readHash(text: string | undefined): string | null {
  if (text === undefined) return null;
  const hash = text.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new UpscaleError('USAGE', `${text} is no sha256.`, { hint: 'It has 64 digits from 0 to f.' });
}

async function openWork(home: string): Promise<string> {
  try {
    await mkdir(home, { recursive: true });
    return await mkdtemp(path.join(home, UNFINISHED));
  } catch (error) {
    throw explainWriting(home, error);
  }
}

/** Brings the file here if it is elsewhere, and checks it. ncnn's weights lie beside the graph. */
async function obtain(
  { url, at, label, fileName }: Origin,
  work: string,
  wanted: string | null,
  { signal, onProgress, limits }: AddModelOptions,
): Promise<{ file: string; sha256: string }> {
  const hash = createHash('sha256');
  const isPair = /\.param$/i.test(fileName);
  const toWeights = (name: string): string => name.replace(/\.param$/i, '.bin');
  let file = at;
  if (url === null) {
    for (const part of [file, ...(isPair ? [toWeights(file)] : [])]) await hashFile(part, hash, signal);
  } else {
    file = path.join(work, fileName);
    const fetching = { hash, checked: wanted !== null, signal, onProgress, ...limits };
    await fetchFile(url, file, fetching);
    if (isPair) {
      const weights = new URL(url);
      weights.pathname = toWeights(weights.pathname);
      await fetchFile(weights, toWeights(file), fetching);
    }
  }
  const sha256 = hash.digest('hex');
  if (wanted !== null && sha256 !== wanted) {
    throw new UpscaleError('MODEL_INVALID', `${label} has the sha256 ${sha256} instead of ${wanted}.`, {
      hint: 'It is another file, or it was damaged on the way: fetch it from where the hash was published.',
    });
  }
  return { file, sha256 };
}

async function hashFile(file: string, hash: Hash, signal: AbortSignal | undefined): Promise<void> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      throwIfAborted(signal);
      hash.update(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof UpscaleError) throw error;
    throw new UpscaleError('MODEL_NOT_FOUND', `There is no model file ${file}.`, {
      cause: error,
      hint: /\.bin$/i.test(file)
        ? 'An ncnn model is a pair of files: put the .bin beside the .param.'
        : 'Check the path.',
    });
  }
}

/** Runs `work`; an error of it names the model as the user did, not the copy that is looked at. */
async function callingIt<T>(file: string, label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UpscaleError)) throw error;
    throw new UpscaleError(error.code, error.message.replaceAll(file, label), {
      ...error.toJSON(),
      cause: error,
    });
  }
}

function describe(from: {
  readonly id: string;
  readonly imported: ImportedModel;
  readonly facts: ModelFacts;
  readonly origin: Origin;
  readonly sha256: string;
  readonly license: string | undefined;
}): Manifest {
  const { id, imported, facts, origin } = from;
  const planes = { 1: 'luma', 3: 'RGB', 4: 'RGB with alpha' }[facts.channels];
  return manifestSchema.parse({
    id,
    title: path.parse(origin.fileName).name,
    description: `Enlarges ${planes} ${facts.scale} times; added from ${origin.fileName}.`,
    license: from.license ?? 'unknown',
    ...(imported.architecture === null ? {} : { architecture: imported.title }),
    source: { from: origin.label, sha256: from.sha256, format: imported.format },
    file: `${id}.onnx`,
    facts,
  });
}

/** Moves a finished folder to where it belongs. What stands there goes to `old`, if it may, and comes back if that fails. */
async function place(folder: string, target: string, old: string | null): Promise<void> {
  const isMoved = old !== null && (await rename(target, old).then(yes, no));
  try {
    await rename(folder, target);
  } catch (error) {
    if (isMoved) await rename(old, target);
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR' && code !== 'EPERM') throw error;
    throw new UpscaleError('OUTPUT_EXISTS', `Something else is at ${target}.`, {
      cause: error,
      hint: 'Choose another name with --name, or replace it with -y.',
    });
  }
}

const yes = (): boolean => true;
const no = (): boolean => false;

function refuseExisting({ id, directory }: RegisteredModel): UpscaleError {
  return new UpscaleError('OUTPUT_EXISTS', `Another model named ${id} is in ${directory}.`, {
    hint: 'Choose another name with --name, or replace it with -y.',
  });
}

function explainWriting(folder: string, error: unknown): UpscaleError {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return new UpscaleError(
    full ? 'DISK_SPACE' : 'OUTPUT_UNWRITABLE',
    full ? `The disk of ${folder} is full.` : `The folder of models ${folder} cannot be written.`,
    {
      cause: error,
      details: error instanceof Error ? error.message : String(error),
      hint: full ? 'Free some space and try again.' : 'Check its rights, or name another with UPREEL_MODELS.',
    },
  );
}
