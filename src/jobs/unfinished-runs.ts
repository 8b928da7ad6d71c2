import { readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { segmentResultSchema } from '../pipeline/plan-schema.ts';
import { isSegmentRecord, isWorkDirectory, LOCK, readMarker } from '../pipeline/work-files.ts';
import { isLocked, takeLock } from '../pipeline/work-lock.ts';

/** A run that was begun and not concluded, as its work directory tells. */
export interface UnfinishedRun {
  readonly directory: string;
  readonly source: string;
  readonly output: string;
  readonly segments: number;
  readonly segmentsDone: number;
  readonly frames: number;
  readonly framesDone: number;
  /** All that the directory holds. */
  readonly bytes: number;
  /** A process is working on it now. */
  readonly running: boolean;
}

/** The unfinished runs whose outputs would lie in `folder` or below it; for null in the current folder, and those to standard output. */
export async function findUnfinishedRuns(folder: string | null): Promise<UnfinishedRun[]> {
  const directories = await listWorkDirectories(path.resolve(folder ?? '.'));
  if (folder === null) {
    const temporary = await readdir(os.tmpdir());
    directories.push(...temporary.filter(isWorkDirectory).map((name) => path.join(os.tmpdir(), name)));
  }
  const runs = await Promise.all([...new Set(directories)].map(describeRun));
  return runs.filter((run) => run !== null);
}

async function listWorkDirectories(folder: string): Promise<string[]> {
  if ((await stat(folder).catch(() => null))?.isDirectory() !== true) {
    throw new UpscaleError('SOURCE_NOT_FOUND', `There is no folder ${folder}.`, { hint: 'Check the path.' });
  }
  const found: string[] = [];
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const directory = path.join(at, entry.name);
      if (!entry.isDirectory()) continue;
      if (isWorkDirectory(entry.name)) found.push(directory);
      else if (entry.name !== 'node_modules') await walk(directory);
    }
  };
  await walk(folder);
  return found;
}

/** Removes what an unfinished run left. Throws `OUTPUT_BUSY` when it is under way. */
export async function removeRun({ directory }: Pick<UnfinishedRun, 'directory'>): Promise<void> {
  await takeLock(path.join(directory, LOCK));
  await rm(directory, { recursive: true, force: true });
}

async function describeRun(directory: string): Promise<UnfinishedRun | null> {
  const marker = await readMarker(directory);
  if (marker === null) return null;
  let [segmentsDone, framesDone, bytes] = [0, 0, 0];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    bytes += (await stat(file).catch(() => null))?.size ?? 0;
    const frames = isSegmentRecord(entry.name) ? await countFrames(file) : null;
    if (frames === null) continue;
    segmentsDone++;
    framesDone += frames;
  }
  return {
    directory,
    source: marker.source,
    output: marker.output,
    segments: marker.segments,
    segmentsDone,
    frames: marker.expectedFrames,
    framesDone,
    bytes,
    running: await isLocked(path.join(directory, LOCK)),
  };
}

async function countFrames(record: string): Promise<number | null> {
  try {
    return segmentResultSchema.parse(JSON.parse(await readFile(record, 'utf8'))).frames;
  } catch {
    return null;
  }
}
