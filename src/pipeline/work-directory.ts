import { mkdir, open, readFile, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UpscaleError } from '../core/errors.ts';
import { identifyFile } from '../decode/identify-file.ts';
import { hashDelivery } from './plan-hash.ts';
import { segmentResultSchema, type Plan, type SegmentResult } from './plan-schema.ts';
import { hashSegment, segmentPath } from './run-segment.ts';
import {
  isSegmentRecord,
  LOCK,
  MARKER,
  readMarker,
  workDirectoryPath,
  type WorkMarker,
} from './work-files.ts';
import { takeLock } from './work-lock.ts';

const DELIVERED = 'delivered.json';

/** A file that has its name, or is about to get it, and the account of the segments that it was made of. */
const deliveredSchema = z.object({
  hash: z.string(),
  identity: z.object({ size: z.int(), mtimeMs: z.number(), sampleSha256: z.string() }),
  results: z.array(segmentResultSchema),
});
export type Delivered = z.infer<typeof deliveredSchema>;

/**
 * Where a run keeps its finished segments, beside the output and on its file system: `.<output>.upreel-work`. A segment counts as
 * finished once its record is there, written after its file; a record whose file is torn or altered does not count.
 */
export class WorkDirectory {
  readonly path: string;
  readonly #plan: Plan;

  private constructor(directory: string, plan: Plan) {
    this.path = directory;
    this.#plan = plan;
  }

  /**
   * Opens or makes the work directory of `plan`. What an earlier run with another plan left there is removed.
   * Throws `OUTPUT_UNWRITABLE` when it cannot be made, `OUTPUT_BUSY` when another run is working in it.
   */
  static async open(plan: Plan): Promise<WorkDirectory> {
    const directory = workDirectoryPath(plan.assemble.path, plan.hash);
    const work = new WorkDirectory(directory, plan);
    try {
      await openLocked(directory);
      const isSamePlan = (await readMarker(directory))?.hash === plan.hash;
      // Of the same plan, what assembly left half written is of no use either.
      await work.#clear((name) => isSamePlan && (name.startsWith('segment-') || name === DELIVERED));
      const { hash, source, assemble, segments, expectedFrames } = plan;
      const marker: WorkMarker = {
        hash,
        source: source.path,
        output: assemble.path,
        segments: segments.length,
        expectedFrames,
      };
      await work.#write(path.join(directory, MARKER), marker);
    } catch (error) {
      if (error instanceof UpscaleError) throw error;
      throw new UpscaleError('OUTPUT_UNWRITABLE', `Cannot write beside the output, in ${directory}.`, {
        cause: error,
        hint: 'Give an output path in a folder that you may write to: -o PATH.',
      });
    }
    return work;
  }

  /** Segments of this plan that are finished and whole. */
  async findFinished(): Promise<SegmentResult[]> {
    const finished: SegmentResult[] = [];
    for (const { index } of this.#plan.segments) {
      const result = await this.#readRecord(index);
      if (result !== null) finished.push(result);
    }
    return finished;
  }

  /** Records a finished segment; from now on it is not run again. */
  async record(result: SegmentResult): Promise<void> {
    await this.#write(this.#recordPath(result.index), result);
  }

  /** Records that `file` is whole and about to be given the output's name: from now on that output is known to be this run's. */
  async recordDelivery(file: string, results: SegmentResult[]): Promise<void> {
    const identity = await identifyFile(file);
    const delivered: Delivered = { hash: hashDelivery(this.#plan), identity, results };
    await this.#write(path.join(this.path, DELIVERED), delivered);
  }

  /** Bytes free on the file system of the work directory. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  /** Removes the directory with all that is in it; the account of what was delivered last, so that a kill in between is no loss. */
  async remove(): Promise<void> {
    await this.#clear((name) => name === DELIVERED);
    await rm(path.join(this.path, LOCK), { force: true });
    await rm(this.path, { recursive: true, force: true });
  }

  /** Removes the segments, once it is on record that they are in the output. */
  async removeSegments(): Promise<void> {
    if (!(await readdir(this.path)).some((name) => name === DELIVERED)) return;
    await this.#clear((name) => name === DELIVERED || name === MARKER);
  }

  /** Lets go of the directory and keeps the finished segments; removes it when there are none. */
  async leave(): Promise<void> {
    const kept = await readdir(this.path).catch((): string[] => []);
    if (kept.some(isSegmentRecord) || kept.some((name) => name === DELIVERED)) {
      await rm(path.join(this.path, LOCK), { force: true });
    } else {
      await this.remove();
    }
  }

  async #readRecord(index: number): Promise<SegmentResult | null> {
    try {
      const result = segmentResultSchema.parse(JSON.parse(await readFile(this.#recordPath(index), 'utf8')));
      const file = segmentPath(this.#plan, index, this.path);
      return (await hashSegment(file)) === result.sha256 ? { ...result, path: file } : null;
    } catch {
      return null;
    }
  }

  #recordPath(index: number): string {
    return path.join(this.path, `segment-${String(index).padStart(5, '0')}.json`);
  }

  /** Writes a record so that it is whole on the disk or not there. */
  async #write(file: string, content: unknown): Promise<void> {
    const temporary = `${file}.tmp`;
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(JSON.stringify(content));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  }

  /** Removes all but the lock, with what others try for it by, and what `isKept`. */
  async #clear(isKept: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name.startsWith(LOCK) || isKept(name)) continue;
      await rm(path.join(this.path, name), { recursive: true, force: true });
    }
  }
}

/** A run that ends removes the folder, also between another one's making it and taking its lock. */
async function openLocked(directory: string, attempts = 3): Promise<void> {
  await mkdir(directory, { recursive: true });
  try {
    await takeLock(path.join(directory, LOCK));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempts <= 1) throw error;
    await openLocked(directory, attempts - 1);
  }
}

/**
 * What an earlier run of `plan` delivered before it was cut off: the output is there, whole, and made by this plan. Null when there is
 * none, or the output was changed since.
 */
export async function findDelivered(plan: Plan): Promise<Delivered | null> {
  if (plan.assemble.path === '-') return null;
  const directory = workDirectoryPath(plan.assemble.path, plan.hash);
  // All that a kill in the last moment may have left.
  await rmdir(directory).catch(() => undefined);
  try {
    const text = await readFile(path.join(directory, DELIVERED), 'utf8');
    const delivered = deliveredSchema.parse(JSON.parse(text));
    const { size, mtimeMs, sampleSha256 } = await identifyFile(plan.assemble.path);
    const { hash, identity } = delivered;
    const same =
      size === identity.size && mtimeMs === identity.mtimeMs && sampleSha256 === identity.sampleSha256;
    return hash === hashDelivery(plan) && same ? delivered : null;
  } catch {
    return null;
  }
}
