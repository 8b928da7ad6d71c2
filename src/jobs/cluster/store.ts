import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UpscaleError } from '../../core/errors.ts';
import { identifyFile } from '../../decode/identify-file.ts';
import { segmentResultSchema, type Plan, type SegmentResult } from '../../pipeline/plan-schema.ts';
import { hashSegment } from '../../pipeline/run-segment.ts';
import { reportSchema } from '../report.ts';
import { FolderFiles } from './folder-files.ts';
import { listModels, mapPaths, parsePlan } from './portable-plan.ts';
import type { StoreFiles } from './store-files.ts';

/** Folder of the store for what workers share; sources and outputs lie beside it. */
const SHARED = '.upreel';
const SCHEME = 'store:';

/** What was asked for when a file was handed in, for its report. */
export const requestSchema = z.object({ command: z.string(), options: reportSchema.shape.options });
export type Request = z.infer<typeof requestSchema>;
/** Of an output that has its name, or is about to get it. */
const deliveredSchema = z.object({ size: z.int(), sampleSha256: z.string() });

/** The keys that a plan names. */
export interface PlanKeys {
  readonly source: string;
  readonly output: string;
}

/** Where a cluster's sources, outputs, plans, models and finished segments lie. What it hands out was checked. */
export class Store {
  readonly files: StoreFiles;
  readonly #models = new Map<string, Promise<string>>();

  private constructor(files: StoreFiles) {
    this.files = files;
  }

  /**
   * Opens the folder or the bucket (`s3://BUCKET/PREFIX`) at `place`. Throws `STORE_UNUSABLE` when there is none, `USAGE` for an address
   * that makes no sense.
   */
  static async open(place: string): Promise<Store> {
    if (!place.startsWith('s3:')) return new Store(await FolderFiles.open(place));
    const { BucketFiles } = await import('./bucket-files.ts');
    return new Store(await BucketFiles.open(place));
  }

  async close(): Promise<void> {
    await this.files.close();
  }

  /** `plan` as every machine reads it: keys in place of paths. */
  makePortable(plan: Plan, { source, output }: PlanKeys): Plan {
    return mapPaths(plan, {
      source: () => SCHEME + source,
      output: () => SCHEME + output,
      model: (_file, sha256) => SCHEME + modelKey(sha256),
    });
  }

  /** Puts a job where the workers find it: its models, what was asked for, and the plan last. */
  async writeJob(id: string, plan: Plan, portable: Plan, request: Request): Promise<void> {
    for (const { path: file, sha256 } of listModels(plan)) {
      if (!(await this.files.exists(modelKey(sha256)))) await this.files.send(file, modelKey(sha256));
    }
    await this.files.writeText(jobKey(id, 'request.json'), JSON.stringify(request));
    await this.files.writeText(jobKey(id, 'plan.json'), JSON.stringify(portable));
  }

  /**
   * Reads a job's plan, its paths those of this machine, and checks that source and models are those that it was made for. Throws
   * `PLAN_INVALID`, `MODEL_INVALID`, `SOURCE_NOT_FOUND`, `SOURCE_UNREADABLE` or `STORE_UNUSABLE`.
   */
  async readPlan(id: string): Promise<{ readonly plan: Plan; readonly keys: PlanKeys }> {
    const text = await this.files.readText(jobKey(id, 'plan.json'));
    let portable: Plan;
    try {
      portable = parsePlan(text ?? '');
    } catch (error) {
      throw new UpscaleError('PLAN_INVALID', `The plan of job ${id} cannot be read from the store.`, {
        cause: error,
        hint: 'Submit the file again, with the version of Upreel that the workers run.',
      });
    }
    const keys = { source: readKey(portable.source.path), output: readKey(portable.assemble.path) };
    const [source, output] = [await this.files.open(keys.source), await this.files.place(keys.output)];
    const models = new Map<string, string>();
    for (const { sha256 } of listModels(portable)) models.set(sha256, await this.#openModel(sha256));
    const plan = mapPaths(portable, {
      source: () => source,
      output: () => output,
      model: (file, sha256) => models.get(sha256) ?? file,
    });
    await this.#checkSource(plan, keys.source);
    return { plan, keys };
  }

  async readRequest(id: string): Promise<Request> {
    return requestSchema.parse(JSON.parse((await this.files.readText(jobKey(id, 'request.json'))) ?? 'null'));
  }

  /** Whether segment `index` was finished. Whether its file is still whole is found out by {@link Store.fetchSegment}. */
  async hasSegment(id: string, index: number): Promise<boolean> {
    return (await this.#readRecord(id, index)) !== null;
  }

  /** The finished segment `index`, in `folder` or where it lies; null when there is none, or its file is torn or altered. */
  async fetchSegment(id: string, index: number, folder: string): Promise<SegmentResult | null> {
    const record = await this.#readRecord(id, index);
    if (record === null) return null;
    try {
      const file = await this.files.fetch(jobKey(id, path.basename(record.path)), folder);
      return (await hashSegment(file)) === record.sha256 ? { ...record, path: file } : null;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ENOENT' || code === 'SOURCE_NOT_FOUND') return null;
      throw error;
    }
  }

  /**
   * Keeps a segment that was made in a folder of its own. Its file has a name that nobody else uses, and the record that tells it appears
   * whole: of a segment that was run twice, one counts.
   */
  async keepSegment(id: string, result: SegmentResult): Promise<void> {
    const { name, ext } = path.parse(result.path);
    const unique = `${name}.${randomUUID().slice(0, 8)}${ext}`;
    await this.files.keep(result.path, jobKey(id, unique));
    await this.files.writeText(recordKey(id, result.index), JSON.stringify({ ...result, path: unique }));
  }

  /** A new folder on this machine for work on a job. */
  async makeScratch(id: string, prefix: string): Promise<string> {
    return this.files.makeScratch(`${SHARED}/jobs/${id}`, prefix);
  }

  /** Records that `file` is whole and about to be given the output's name. */
  async recordDelivery(id: string, file: string): Promise<void> {
    const { size, sampleSha256 } = await identifyFile(file);
    await this.files.writeText(jobKey(id, 'delivered.json'), JSON.stringify({ size, sampleSha256 }));
  }

  /** Whether an earlier try came as far as giving the output its name. */
  async isDelivered(id: string, output: string): Promise<boolean> {
    const text = await this.files.readText(jobKey(id, 'delivered.json'));
    if (text === null || !(await this.files.exists(output))) return false;
    const wanted = deliveredSchema.parse(JSON.parse(text));
    const { size, sampleSha256 } = await identifyFile(await this.files.open(output));
    return size === wanted.size && sampleSha256 === wanted.sampleSha256;
  }

  /** Removes what a job left in the store, but not its output. */
  async removeJob(id: string): Promise<void> {
    await this.files.remove(`${SHARED}/jobs/${id}`);
  }

  async #readRecord(id: string, index: number): Promise<SegmentResult | null> {
    const text = await this.files.readText(recordKey(id, index));
    try {
      return segmentResultSchema.parse(JSON.parse(text ?? 'null'));
    } catch {
      return null;
    }
  }

  /** Once for each model: they do not change under a name that is their content. */
  #openModel(sha256: string): Promise<string> {
    const known = this.#models.get(sha256) ?? this.#fetchModel(sha256);
    this.#models.set(sha256, known);
    known.catch(() => this.#models.delete(sha256));
    return known;
  }

  async #fetchModel(sha256: string): Promise<string> {
    const key = modelKey(sha256);
    const folder = path.dirname(await this.files.place(key));
    await mkdir(folder, { recursive: true });
    const file = await this.files.fetch(key, folder);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    if (hash.digest('hex') === sha256) return file;
    throw new UpscaleError(
      'MODEL_INVALID',
      `${this.files.describe(key)} is not the model that was planned with.`,
      {
        hint: 'Remove it and submit again.',
      },
    );
  }

  /** Times of change differ between mounts; size and content do not. */
  async #checkSource({ source }: Plan, key: string): Promise<void> {
    if (source.kind !== 'file') return;
    const { size, sampleSha256 } = await identifyFile(source.path);
    if (size === source.identity.size && sampleSha256 === source.identity.sampleSha256) return;
    throw new UpscaleError(
      'SOURCE_UNREADABLE',
      `${this.files.describe(key)} was changed since it was planned.`,
      {
        hint: 'Cancel the job and submit the file again.',
      },
    );
  }
}

function jobKey(id: string, name: string): string {
  return `${SHARED}/jobs/${id}/${name}`;
}

function recordKey(id: string, index: number): string {
  return jobKey(id, `segment-${String(index).padStart(5, '0')}.json`);
}

function modelKey(sha256: string): string {
  return `${SHARED}/models/${/^[0-9a-f]{64}$/.exec(sha256)?.[0] ?? 'none'}.onnx`;
}

/** The key in a plan of the store. What is none gives one that every store refuses. */
function readKey(portable: string): string {
  return portable.startsWith(SCHEME) ? portable.slice(SCHEME.length) : '..';
}
