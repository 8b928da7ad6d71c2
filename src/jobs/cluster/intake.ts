import { stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import { identifyFile } from '../../decode/identify-file.ts';
import { chooseSources, findSources, type FindOptions } from '../find-sources.ts';
import type { StoreFiles } from './store-files.ts';

/** A source that a cluster is asked to work on. */
export interface IntakeSource {
  /** As it was named: a path, or an address of the store. */
  readonly name: string;
  /** The path on this machine that stands for its place in the store; outputs are named by it. */
  readonly place: string;
}

export interface Intake {
  readonly sources: readonly IntakeSource[];
  /** Whether a folder was named, and the path that stands for it. */
  readonly isFolder: boolean;
  readonly root: string;
}

/** A source that was found where it was said to be. */
export interface OpenedSource {
  readonly key: string;
  /** What it is probed by: a path, or an address on loopback. */
  readonly input: string;
  /** Brings it into the store, where it does not lie in it. Throws `OUTPUT_EXISTS` when another file has its place. */
  readonly send: () => Promise<void>;
}

/**
 * Finds the sources that `input` names: a file or a folder of this machine, or of the store by its address. Throws `SOURCE_NOT_FOUND` when
 * there is none.
 */
export async function findIntake(input: string, files: StoreFiles, find: FindOptions): Promise<Intake> {
  if (isStored(input)) return findStored(input.replace(/\/+$/, ''), files, find);
  const file = path.resolve(input);
  const isFolder = (await stat(file).catch(() => null))?.isDirectory() === true;
  const found = isFolder ? await findSources(file, find) : [file];
  const above = path.dirname(file);
  const placeOf = async (name: string): Promise<string> =>
    files.takesFiles ? files.place(path.relative(above, name).replaceAll(path.sep, '/')) : name;
  const sources = await Promise.all(found.map(async (name) => ({ name, place: await placeOf(name) })));
  return { sources, isFolder, root: isFolder ? await placeOf(file) : path.dirname(await placeOf(file)) };
}

export async function openSource({ name, place }: IntakeSource, files: StoreFiles): Promise<OpenedSource> {
  const key = await files.locate(files.takesFiles ? place : name);
  if (isStored(name)) return { key, input: await files.open(key), send: () => Promise.resolve() };
  return { key, input: name, send: () => (files.takesFiles ? sendNew(name, key, files) : Promise.resolve()) };
}

async function findStored(address: string, files: StoreFiles, find: FindOptions): Promise<Intake> {
  const isAll = address === files.text;
  const key = isAll ? '' : await files.locate(address);
  if (!isAll && (await files.exists(key))) {
    const place = await files.place(key);
    return { sources: [{ name: address, place }], isFolder: false, root: path.dirname(place) };
  }
  const chosen = chooseSources(address, await files.list(key), find);
  const sources = chosen.map(async (name) => {
    const whole = isAll ? name : `${key}/${name}`;
    return { name: files.describe(whole), place: await files.place(whole) };
  });
  const [first = ''] = chosen;
  const root = (await sources[0])?.place.slice(0, -first.length - 1) ?? '';
  return { sources: await Promise.all(sources), isFolder: true, root };
}

async function sendNew(file: string, key: string, files: StoreFiles): Promise<void> {
  if (!(await files.exists(key))) return files.send(file, key);
  const [here, there] = await Promise.all([identifyFile(file), files.open(key).then(identifyFile)]);
  if (here.size === there.size && here.sampleSha256 === there.sampleSha256) return;
  throw new UpscaleError('OUTPUT_EXISTS', `${files.describe(key)} is another file than ${file}.`, {
    hint: 'Give one of them another name, or hand in the one in the store by its address.',
  });
}

function isStored(name: string): boolean {
  return name.startsWith('s3:');
}
