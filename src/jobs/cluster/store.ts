import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import { identifyFile } from '../../decode/identify-file.ts';
import { writeWhole } from '../../ffmpeg/disk-cache.ts';
import { segmentResultSchema, type Plan, type SegmentResult } from '../../pipeline/plan-schema.ts';
import { hashSegment } from '../../pipeline/run-segment.ts';
import { listModels, mapPaths, parsePlan } from './portable-plan.ts';

/** Folder of the store for what workers share; sources and outputs lie beside it. */
const SHARED = '.upreel';
const SCHEME = 'store:';

/**
 * A directory that all machines of a cluster see, at whatever path: sources, outputs, plans, models and finished segments. Whatever names a
 * job brings, nothing outside of the store is read or written.
 */
export class Store {
  readonly root: string;
  readonly #checked = new Map<string, Promise<void>>();

  private constructor(root: string) {
    this.root = root;
  }

  /** Throws `STORE_UNUSABLE` when there is no such directory. */
  static async open(directory: string): Promise<Store> {
    const facts = await stat(directory).catch(() => null);
    if (facts?.isDirectory() !== true) {
      throw new UpscaleError('STORE_UNUSABLE', `There is no folder ${directory} to use as the store.`, {
        hint: 'Mount the shared folder, and name it with --store FOLDER.',
      });
    }
    return new Store(await realpath(directory));
  }

  /** The path of a file in the store, relative to it. Throws `STORE_UNUSABLE` for one outside. */
  async locate(file: string): Promise<string> {
    const real = await resolveReal(file);
    const relative = path.relative(this.root, real);
    if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) {
      throw new UpscaleError('STORE_UNUSABLE', `${file} does not lie in the store ${this.root}.`, {
        hint: 'Workers see nothing but the store: copy the files into it, and name outputs in it.',
      });
    }
    return relative.replaceAll(path.sep, '/');
  }

  /** Folder of a job. */
  jobFolder(id: string): string {
    return path.join(this.root, SHARED, 'jobs', id);
  }

  /** Puts a plan and its models where the workers find them. */
  async writePlan(id: string, plan: Plan): Promise<void> {
    const [source, output] = [await this.locate(plan.source.path), await this.locate(plan.assemble.path)];
    for (const { path: file, sha256 } of listModels(plan)) await this.#keepModel(file, sha256);
    const portable = mapPaths(plan, {
      source: () => SCHEME + source,
      output: () => SCHEME + output,
      model: (_file, sha256) => SCHEME + modelName(sha256),
    });
    await mkdir(this.jobFolder(id), { recursive: true });
    await writeWhole(path.join(this.jobFolder(id), 'plan.json'), JSON.stringify(portable));
  }

  /**
   * Reads a job's plan, its paths those of this machine, and checks that source and models are those that it was made for. Throws
   * `PLAN_INVALID`, `MODEL_INVALID`, `SOURCE_NOT_FOUND` or `SOURCE_UNREADABLE`.
   */
  async readPlan(id: string): Promise<Plan> {
    let plan: Plan;
    try {
      plan = parsePlan(await readFile(path.join(this.jobFolder(id), 'plan.json'), 'utf8'));
    } catch (error) {
      throw new UpscaleError('PLAN_INVALID', `The plan of job ${id} cannot be read from the store.`, {
        cause: error,
        hint: 'Submit the file again, with the version of Upreel that the workers run.',
      });
    }
    const local = await this.#localise(plan);
    await Promise.all(listModels(local).map((model) => this.#checkModel(model.path, model.sha256)));
    await checkSource(local);
    return local;
  }

  /** The finished segment `index`; null when there is none, or its file is torn or altered. */
  async readSegment(id: string, index: number): Promise<SegmentResult | null> {
    try {
      const record = segmentResultSchema.parse(
        JSON.parse(await readFile(this.#recordPath(id, index), 'utf8')),
      );
      const file = path.join(this.jobFolder(id), path.basename(record.path));
      return (await hashSegment(file)) === record.sha256 ? { ...record, path: file } : null;
    } catch {
      return null;
    }
  }

  /**
   * Keeps a segment that was made in a folder of its own. Its file has a name that nobody else uses, and the record that tells it appears
   * whole: of a segment that was run twice, one counts.
   */
  async keepSegment(id: string, result: SegmentResult): Promise<void> {
    const { name, ext } = path.parse(result.path);
    const file = path.join(this.jobFolder(id), `${name}.${randomUUID().slice(0, 8)}${ext}`);
    await rename(result.path, file);
    await writeWhole(
      this.#recordPath(id, result.index),
      JSON.stringify({ ...result, path: path.basename(file) }),
    );
  }

  /** Removes what a job left in the store, but not its output. */
  async removeJob(id: string): Promise<void> {
    await rm(this.jobFolder(id), { recursive: true, force: true });
  }

  #recordPath(id: string, index: number): string {
    return path.join(this.jobFolder(id), `segment-${String(index).padStart(5, '0')}.json`);
  }

  async #localise(plan: Plan): Promise<Plan> {
    const models = new Map(
      listModels(plan).map(({ sha256 }) => [sha256, path.join(this.root, modelName(sha256))]),
    );
    const [source, output] = [await this.#resolve(plan.source.path), await this.#resolve(plan.assemble.path)];
    return mapPaths(plan, {
      source: () => source,
      output: () => output,
      model: (file, sha256) => models.get(sha256) ?? file,
    });
  }

  /** A path of a plan on this machine; refuses to leave the store, also by links. */
  async #resolve(portable: string): Promise<string> {
    const relative = portable.startsWith(SCHEME) ? portable.slice(SCHEME.length) : '..';
    const file = path.resolve(this.root, relative);
    await this.locate(file);
    return file;
  }

  async #keepModel(file: string, sha256: string): Promise<void> {
    const target = path.join(this.root, modelName(sha256));
    if ((await stat(target).catch(() => null)) !== null) return;
    await mkdir(path.dirname(target), { recursive: true });
    const temporary = `${target}.${randomUUID()}.tmp`;
    await copyFile(file, temporary);
    await rename(temporary, target);
  }

  /** Once for each model: they do not change under a name that is their content. */
  #checkModel(file: string, sha256: string): Promise<void> {
    const known = this.#checked.get(sha256) ?? checkModelFile(file, sha256);
    this.#checked.set(sha256, known);
    known.catch(() => this.#checked.delete(sha256));
    return known;
  }
}

function modelName(sha256: string): string {
  return `${SHARED}/models/${/^[0-9a-f]{64}$/.exec(sha256)?.[0] ?? 'none'}.onnx`;
}

async function checkModelFile(file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  if (hash.digest('hex') === sha256) return;
  throw new UpscaleError(
    'MODEL_INVALID',
    `The model ${file} in the store is not the one that was planned with.`,
    {
      hint: 'Remove it and submit again.',
    },
  );
}

/** Times of change differ between mounts; size and content do not. */
async function checkSource({ source }: Plan): Promise<void> {
  if (source.kind !== 'file') return;
  const { size, sampleSha256 } = await identifyFile(source.path);
  if (size === source.identity.size && sampleSha256 === source.identity.sampleSha256) return;
  throw new UpscaleError('SOURCE_UNREADABLE', `${source.path} was changed since it was planned.`, {
    hint: 'Cancel the job and submit the file again.',
  });
}

/** The real path of a file that may not be there yet. */
async function resolveReal(file: string): Promise<string> {
  const absolute = path.resolve(file);
  try {
    return await realpath(absolute);
  } catch {
    const parent = path.dirname(absolute);
    return parent === absolute ? absolute : path.join(await resolveReal(parent), path.basename(absolute));
  }
}
