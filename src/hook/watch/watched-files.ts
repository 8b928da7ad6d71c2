import { copyFile, constants, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeFailureText } from './failure-text.ts';

/** Files that may be footage; others beside them with the same name are their sidecars. */
const FOOTAGE =
  /\.(mov|mp4|m4v|mxf|avi|mkv|dv|mts|m2ts|m2t|ts|mpg|mpeg|m2v|vob|webm|wmv|asf|flv|3gp|3g2|qt|ogv|vc1|y4m)$/i;
/** Names that programs give to what they have not finished. */
const UNFINISHED = /^\.|~$|\.(part|partial|tmp|temp|crdownload|download|filepart|incomplete)(\.|$)/i;

export interface WatchedFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly identity: string;
}

/** The footage that lies in a folder now; folders in it are not looked into. */
export async function listFootage(folder: string): Promise<WatchedFile[]> {
  const files: WatchedFile[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (!FOOTAGE.test(name) || UNFINISHED.test(name)) continue;
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => null);
    if (found?.isFile() !== true) continue;
    const { size, mtimeMs, ino } = found;
    files.push({ name, path: file, size, mtimeMs, identity: `${size}:${Math.round(mtimeMs)}:${ino}` });
  }
  return files;
}

/** Files that belong to a piece of footage: the same name with another ending (`clip.srt`, `clip.mov.xml`). */
async function findSidecars(folder: string, name: string): Promise<string[]> {
  const { name: stem } = path.parse(name);
  return (await readdir(folder)).filter(
    (other) =>
      other !== name && other.startsWith(`${stem}.`) && !FOOTAGE.test(other) && !UNFINISHED.test(other),
  );
}

/** Copies sidecars to the new file, under its name; what lies there already is left. */
export async function copySidecars(folder: string, name: string, output: string): Promise<void> {
  const from = path.parse(name).name;
  const { dir, name: to } = path.parse(output);
  for (const sidecar of await findSidecars(folder, name)) {
    const target = path.join(dir, to + sidecar.slice(from.length));
    await copyFile(path.join(folder, sidecar), target, constants.COPYFILE_EXCL).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }
}

/** Moves what failed, with its sidecars, into `failed/`, and writes the reason beside it. */
export async function setAside(folder: string, name: string, error: unknown): Promise<string> {
  const failed = path.join(folder, 'failed');
  await mkdir(failed, { recursive: true });
  const sidecars = await findSidecars(folder, name);
  const target = await findFreeName(path.join(failed, name));
  await moveIfThere(path.join(folder, name), target);
  for (const sidecar of sidecars) {
    await moveIfThere(path.join(folder, sidecar), await findFreeName(path.join(failed, sidecar)));
  }
  await writeFile(`${target}.reason.txt`, describeFailureText(error));
  return target;
}

/** What was taken away meanwhile needs no moving. */
async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}

/** `path`, or with `-2`, `-3`, ... before its ending where that is taken. */
export async function findFreeName(file: string): Promise<string> {
  const { dir, name, ext } = path.parse(file);
  for (let number = 1; ; number++) {
    const candidate = path.join(dir, `${name}${number === 1 ? '' : `-${number}`}${ext}`);
    if ((await stat(candidate).catch(() => null)) === null) return candidate;
  }
}
