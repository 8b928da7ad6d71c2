import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { UpscaleError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { cacheByFile } from '../ffmpeg/disk-cache.ts';
import { resampleFilterSchema, type ModelFacts, type ResampleFilter } from './infer-plan.ts';
import { readManifest, type RegisteredModel } from './manifest.ts';

export type { RegisteredModel } from './manifest.ts';

/** The models that are there by name. */
export interface ModelRegistry {
  /** By id; the default first. */
  list(): readonly RegisteredModel[];
  readonly default: RegisteredModel;
  /** The one for what camcorders and discs recorded, if there is one. */
  readonly recordings: RegisteredModel | null;
  /** The one for RGB, if there is one. */
  readonly rgb: RegisteredModel | null;
  /**
   * Finds a model: a registered id, a filter (`nearest`, `bilinear`, `bicubic`, `lanczos`), or the path of a file: ONNX, or
   * weights that are made ONNX first. Facts are read from the graph and found out by running it on small pictures.
   *
   * @throws UpscaleError `MODEL_NOT_FOUND`; `MODEL_INVALID` where a file is damaged or no upscaler, with the reason
   */
  resolve(nameOrPath: string, options?: { readonly signal?: AbortSignal }): Promise<ModelFacts>;
}

export interface RegistryOptions {
  /** Folders that hold a folder for each model. @defaultValue Upreel's own, `UPREEL_MODELS`, and the user's data folder */
  readonly directories?: readonly string[];
  readonly logger?: Logger;
}

/** Changes whenever the same file would give other facts. */
const FACTS_VERSION = 'model-facts-3';

/** What cannot be the name of a registered model. */
const MODEL_PATH = /[/\\]|\.(onnx|pth|pt|ckpt|safetensors|param)$/i;

/** Models that come with Upreel. */
const OWN_DIRECTORY = fileURLToPath(new URL('../../models', import.meta.url));

/** Folders where models are looked for, the first to have an id wins; that one is also where models are added. */
export function modelDirectories(env: NodeJS.ProcessEnv = process.env): [string, ...string[]] {
  const listed = (env.UPREEL_MODELS ?? '').split(path.delimiter).filter((part) => part !== '');
  const data =
    (env.XDG_DATA_HOME || undefined) ??
    (process.platform === 'win32' ? env.LOCALAPPDATA : undefined) ??
    path.join(os.homedir(), '.local', 'share');
  const [first, ...others] = [...listed, path.join(data, 'upreel', 'models')];
  return [first, ...others, OWN_DIRECTORY];
}

/** Whether a model came with Upreel. */
export function isShipped({ directory }: Pick<RegisteredModel, 'directory'>): boolean {
  return path.dirname(path.resolve(directory)) === path.resolve(OWN_DIRECTORY);
}

/** Reads the manifests of all models. A folder of the user's that is damaged is passed over with a warning. */
export async function loadRegistry(options: RegistryOptions = {}): Promise<ModelRegistry> {
  const { directories = modelDirectories(), logger = silentLogger } = options;
  const found = await Promise.all(directories.map((directory) => readDirectory(directory, logger)));
  const models = new Map<string, RegisteredModel>();
  for (const model of found.flat()) if (!models.has(model.id)) models.set(model.id, model);
  const sorted = [...models.values()].sort(
    (a, b) => Number(b.isDefault) - Number(a.isDefault) || (a.id < b.id ? -1 : 1),
  );
  return new Registry(sorted);
}

/** The facts of a plain filter. */
export function describeFilter(id: ResampleFilter): ModelFacts {
  return {
    id,
    kind: 'resample',
    path: null,
    sha256: null,
    scale: 1,
    channels: 1,
    layout: 'NCHW',
    inputName: '',
    outputName: '',
    elementType: 'uint8',
    range: 255,
    multiple: 1,
    fixedWidth: null,
    fixedHeight: null,
    receptiveRadius: 0,
    flopsPerSample: 0,
    bytesPerSample: 0,
  };
}

class Registry implements ModelRegistry {
  readonly #models: readonly RegisteredModel[];

  constructor(models: readonly RegisteredModel[]) {
    this.#models = models;
  }

  get recordings(): RegisteredModel | null {
    return this.#models.find(({ manifest }) => manifest.recordings) ?? null;
  }

  get rgb(): RegisteredModel | null {
    return this.#models.find(({ manifest }) => manifest.rgb) ?? null;
  }

  get default(): RegisteredModel {
    const [first] = this.#models;
    if (first === undefined) {
      throw new UpscaleError('MODEL_NOT_FOUND', 'No model is installed.', {
        hint: 'Name an ONNX file with --model, or a filter such as lanczos; or install Upreel again.',
      });
    }
    return first;
  }

  list(): readonly RegisteredModel[] {
    return this.#models;
  }

  async resolve(nameOrPath: string, options: { readonly signal?: AbortSignal } = {}): Promise<ModelFacts> {
    const registered = this.#models
      .flatMap(({ facts, larger }) => [facts, ...larger])
      .find(({ id }) => id === nameOrPath);
    if (registered !== undefined) return registered;
    const filter = resampleFilterSchema.safeParse(nameOrPath);
    if (filter.success) return describeFilter(filter.data);
    if (!MODEL_PATH.test(nameOrPath)) throw this.#refuseName(nameOrPath);
    const file = path.resolve(nameOrPath);
    try {
      // Both need onnxruntime, which a start with known models does not load in the main thread.
      const { importIntoCache } = await import('./import/import-into-cache.ts');
      const onnx = await importIntoCache(file);
      const facts = await cacheByFile(FACTS_VERSION, onnx, async () => {
        const { inspectModel } = await import('./inspect-model.ts');
        return inspectModel(onnx, options);
      });
      return onnx === file ? facts : { ...facts, id: path.parse(file).name };
    } catch (error) {
      if (error instanceof UpscaleError) throw error;
      throw new UpscaleError('MODEL_NOT_FOUND', `There is no model file ${file}.`, {
        cause: error,
        hint: `Check the path, or name one of ${this.#listNames()}.`,
      });
    }
  }

  #refuseName(name: string): UpscaleError {
    return new UpscaleError('MODEL_NOT_FOUND', `There is no model named ${name}.`, {
      hint: `Name one of ${this.#listNames()}, or give the path of an ONNX, PyTorch, safetensors or ncnn file.`,
    });
  }

  #listNames(): string {
    return [...this.#models.map(({ id }) => id), ...resampleFilterSchema.options].join(', ');
  }
}

async function readDirectory(directory: string, logger: Logger): Promise<RegisteredModel[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  // Hidden ones are being written.
  const folders = entries
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => path.join(directory, name));
  const models = await Promise.all(
    folders.map((folder) =>
      readManifest(folder).catch((error: unknown) => {
        logger.warn(error instanceof Error ? error.message : String(error));
        return null;
      }),
    ),
  );
  return models.filter((model) => model !== null);
}
