import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import { writeWhole } from '../../ffmpeg/disk-cache.ts';
import type { StoreFiles } from './store-files.ts';

/** A store that is a directory which all machines see, at whatever path. */
export class FolderFiles implements StoreFiles {
  readonly text: string;
  readonly takesFiles = false;
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.text = root;
  }

  /** Throws `STORE_UNUSABLE` when there is no such directory. */
  static async open(directory: string): Promise<FolderFiles> {
    const facts = await stat(directory).catch(() => null);
    if (facts?.isDirectory() !== true) {
      throw new UpscaleError('STORE_UNUSABLE', `There is no folder ${directory} to use as the store.`, {
        hint: 'Mount the shared folder, and name it with --store FOLDER.',
      });
    }
    return new FolderFiles(await realpath(directory));
  }

  /** Links count as what they lead to. */
  async locate(name: string): Promise<string> {
    const relative = path.relative(this.#root, await resolveReal(name));
    if (relative === '' || relative.split(path.sep)[0] === '..' || path.isAbsolute(relative)) {
      throw new UpscaleError('STORE_UNUSABLE', `${name} does not lie in the store ${this.#root}.`, {
        hint: 'Workers see nothing but the store: copy the files into it, and name outputs in it.',
      });
    }
    return relative.replaceAll(path.sep, '/');
  }

  describe(key: string): string {
    return path.join(this.#root, key);
  }

  async place(key: string): Promise<string> {
    const file = path.resolve(this.#root, key);
    await this.locate(file);
    return file;
  }

  async open(key: string): Promise<string> {
    return this.place(key);
  }

  async exists(key: string): Promise<boolean> {
    return (await stat(await this.place(key)).catch(() => null)) !== null;
  }

  async list(key: string): Promise<string[]> {
    const folder = key === '' ? this.#root : await this.place(key);
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'),
      );
  }

  async readText(key: string): Promise<string | null> {
    return readFile(await this.place(key), 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    });
  }

  async writeText(key: string, text: string): Promise<void> {
    await writeWhole(await this.place(key), text);
  }

  async send(file: string, key: string): Promise<void> {
    const target = await this.place(key);
    await mkdir(path.dirname(target), { recursive: true });
    const temporary = `${target}.${randomUUID()}.tmp`;
    try {
      await copyFile(file, temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async keep(made: string, key: string): Promise<void> {
    await rename(made, await this.place(key));
  }

  async fetch(key: string): Promise<string> {
    return this.place(key);
  }

  /** It lies there already. */
  async publish(): Promise<void> {
    return Promise.resolve();
  }

  async release(): Promise<void> {
    return Promise.resolve();
  }

  async remove(folder: string): Promise<void> {
    await rm(await this.place(folder), { recursive: true, force: true });
  }

  async makeScratch(key: string, prefix: string): Promise<string> {
    const folder = await this.place(key);
    // Not made here: a job that was cancelled meanwhile must stay gone.
    return mkdtemp(path.join(folder, prefix)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new UpscaleError('ABORTED', 'The job was cancelled.', { cause: error });
    });
  }

  rename(text: string): string {
    return text;
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
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
