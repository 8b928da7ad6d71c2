import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { matchPath } from '../config/settings-file.ts';
import { UpscaleError } from '../core/errors.ts';
import { isWorkDirectory } from '../pipeline/work-files.ts';
import { REPORT_FOLDER } from './report-files.ts';

export interface FindOptions {
  readonly recursive: boolean;
  /** Patterns of what is taken; null for all that is video by its name. */
  readonly include: readonly string[] | null;
  readonly exclude: readonly string[];
  /** Folder of the outputs, which are no sources even where it lies among them; null when they go beside the sources. */
  readonly outputFolder: string | null;
}

/** Endings of what is taken for video; everything else has to be asked for. */
const VIDEO = new Set(
  `3g2 3gp asf avi divx dv f4v flv m2p m2t m2ts m2v m4v mkv mod mov mp4 mpe mpeg mpg mts mxf nut ogv rm rmvb tod
  ts vob webm wmv y4m`.split(/\s+/),
);

/**
 * The sources in the folder `root`, in order of their names. What Upreel made itself (`*.upreel.*`, reports, work directories) is no source,
 * nor are hidden files. Throws `SOURCE_NOT_FOUND` when nothing is left.
 */
export async function findSources(root: string, options: FindOptions): Promise<string[]> {
  const select = selectSources(options);
  const outputs = options.outputFolder === null ? null : await resolveReal(options.outputFolder);
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = path.join(folder, entry.name);
      const relative = path.relative(root, file).replaceAll(path.sep, '/');
      if (entry.isDirectory()) {
        if (select.isOpen(relative) && (await realpath(file)) !== outputs) await walk(file);
      } else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(file)))) {
        if (select.isSource(relative)) found.push(file);
      }
    }
  };
  await walk(path.resolve(root));
  if (found.length === 0) refuseEmpty(root, options);
  return found;
}

/** {@link findSources} for a folder that is only a list of names, relative to it. */
export function chooseSources(root: string, names: readonly string[], options: FindOptions): string[] {
  const select = selectSources(options);
  const isReached = (name: string): boolean =>
    name
      .split('/')
      .slice(0, -1)
      .every((_, i, folders) => select.isOpen(folders.slice(0, i + 1).join('/')));
  const found = names.filter((name) => isReached(name) && select.isSource(name)).sort();
  if (found.length === 0) refuseEmpty(root, options);
  return found;
}

/** Says of paths below the folder, with slashes, which are sources and which folders are looked into. */
function selectSources({ recursive, include, exclude }: FindOptions): {
  readonly isOpen: (folder: string) => boolean;
  readonly isSource: (file: string) => boolean;
} {
  const included = include?.map(matchPath);
  const excluded = exclude.map(matchPath);
  const isLeftOut = (relative: string): boolean =>
    path.posix.basename(relative).startsWith('.') || excluded.some((matches) => matches(relative));
  return {
    isOpen: (folder) => {
      const name = path.posix.basename(folder);
      return recursive && name !== REPORT_FOLDER && !isWorkDirectory(name) && !isLeftOut(folder);
    },
    isSource: (file) => {
      if (isLeftOut(file) || /\.upreel\.\w+$/i.test(file)) return false;
      const isVideo = VIDEO.has(path.posix.extname(file).slice(1).toLowerCase());
      return included?.some((matches) => matches(file)) ?? isVideo;
    },
  };
}

function refuseEmpty(root: string, { recursive }: FindOptions): never {
  throw new UpscaleError('SOURCE_NOT_FOUND', `There is no video in ${root}.`, {
    hint: recursive
      ? "Take files by their names with --include '*.EXT'."
      : "Look into the folders below with --recursive, or take files by their names with --include '*.EXT'.",
  });
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() === true;
}

async function resolveReal(folder: string): Promise<string> {
  return realpath(folder).catch(() => path.resolve(folder));
}
