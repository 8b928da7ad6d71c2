import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import nodePath from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import { cacheDirectory } from '../../ffmpeg/disk-cache.ts';
import { readModelFile } from '../read-model.ts';
import { detectFormat } from './detect-format.ts';
import { findWeights } from './ncnn/import-ncnn.ts';
import { importModel } from './import-model.ts';

/** Changes whenever the same weights would give another graph. */
const IMPORTER_VERSION = 1;

/**
 * The path of `path` as ONNX: itself where it is that, else a file in the cache folder, named by what is in the source, and made
 * where it is not there yet.
 *
 * @throws UpscaleError as {@link importModel} does; `OUTPUT_UNWRITABLE` where the cache cannot be written
 */
export async function importIntoCache(path: string): Promise<string> {
  const format = await detectFormat(path);
  if (format === 'onnx') return path;
  const files = format === 'ncnn' ? [path, findWeights(path)] : [path];
  const digests = await Promise.all(files.map(async (file) => (await readModelFile(file)).sha256));
  const sha256 = createHash('sha256').update(digests.join()).digest('hex');
  const folder = nodePath.join(cacheDirectory(), 'imported');
  const target = nodePath.join(folder, `${sha256}-${IMPORTER_VERSION}.onnx`);
  const isThere = await access(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  const { bytes } = await importModel(path);
  try {
    await mkdir(folder, { recursive: true });
    const temporary = `${target}.${randomUUID()}.tmp`;
    await writeFile(temporary, bytes);
    await rename(temporary, target);
  } catch (error) {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `${path} cannot be kept as ONNX in ${folder}.`, {
      cause: error,
      hint: 'Let XDG_CACHE_HOME name a folder that can be written and has space.',
    });
  }
  return target;
}
