import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { segmentResultSchema, type Plan, type SegmentResult } from './plan-schema.ts';
import { hashSegment, segmentPath } from './run-segment.ts';

const MARKER = 'upreel.json';
const LOCK = 'lock';

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
   * Throws `OUTPUT_UNWRITABLE` when it cannot be made, or when another process is working in it.
   */
  static async open(plan: Plan): Promise<WorkDirectory> {
    const directory = workDirectoryPath(plan.assemble.path, plan.hash);
    const work = new WorkDirectory(directory, plan);
    try {
      await mkdir(directory, { recursive: true });
      await work.#lock();
      if ((await readMarker(directory)) !== plan.hash) await work.#clear();
      await writeFile(path.join(directory, MARKER), JSON.stringify({ hash: plan.hash }));
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
    const file = this.#recordPath(result.index);
    const temporary = `${file}.tmp`;
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(JSON.stringify(result));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  }

  /** Bytes free on the file system of the work directory. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  /** Removes the directory with all that is in it. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Lets go of the directory and keeps the finished segments; removes it when there are none. */
  async leave(): Promise<void> {
    const kept = await readdir(this.path).catch(() => []);
    if (kept.some((name) => /^segment-\d+\.json$/.test(name))) {
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

  async #lock(): Promise<void> {
    const file = path.join(this.path, LOCK);
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        await writeFile(file, String(process.pid), { flag: 'wx' });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const owner = Number(await readFile(file, 'utf8').catch(() => ''));
        if (owner > 0 && owner !== process.pid && isAlive(owner)) {
          throw new UpscaleError(
            'OUTPUT_UNWRITABLE',
            `Another run (process ${owner}) is making this output.`,
            {
              hint: 'Wait for it, or stop it and run the same command again.',
            },
          );
        }
        await rm(file, { force: true });
      }
    }
  }

  async #clear(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name !== LOCK) await rm(path.join(this.path, name), { recursive: true, force: true });
    }
  }
}

/** The folder beside `output`; for stdout one in the system's temporary folder. */
export function workDirectoryPath(output: string, hash: string): string {
  if (output === '-') return path.join(os.tmpdir(), `upreel-${hash.slice(0, 16)}.upreel-work`);
  // A pattern's percent sign would be read as one again by ffmpeg.
  const name = path.basename(output).replaceAll('%', '_');
  const short = name.length > 120 ? createHash('sha256').update(name).digest('hex').slice(0, 32) : name;
  return path.join(path.dirname(output), `.${short}.upreel-work`);
}

async function readMarker(directory: string): Promise<string | null> {
  try {
    const marker: unknown = JSON.parse(await readFile(path.join(directory, MARKER), 'utf8'));
    return (marker as { hash?: string }).hash ?? null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
