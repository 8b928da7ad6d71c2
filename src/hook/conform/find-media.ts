import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UpscaleError } from '../../core/errors.ts';
import type { MediaReference } from './timeline.ts';

/**
 * Finds the files that a timeline names: where it says, relative to its own folder, or by name in `folders`. Throws `SOURCE_NOT_FOUND`
 * with every path that was tried.
 */
export async function findMediaFiles(
  references: readonly MediaReference[],
  { folder, folders }: { readonly folder: string; readonly folders: readonly string[] },
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const missing: string[] = [];
  for (const { written, paths, optional } of references) {
    const tried = [
      ...paths.map((entry) => path.resolve(folder, toPath(entry))),
      // The last part of a path of any system.
      ...paths.flatMap((entry) => {
        const name = toPath(entry).split(/[/\\]/).at(-1) ?? '';
        return [folder, ...folders].map((place) => path.resolve(place, name));
      }),
    ];
    const candidates = [...new Set(tried)];
    const existing = await firstFile(candidates);
    if (existing !== null) found.set(written, existing);
    else if (optional !== true)
      missing.push([`${written}:`, ...candidates.map((entry) => `  ${entry}`)].join('\n'));
  }
  if (missing.length > 0) {
    throw new UpscaleError(
      'SOURCE_NOT_FOUND',
      missing.length === 1
        ? 'A file that the timeline uses cannot be found.'
        : `${missing.length} files that the timeline uses cannot be found.`,
      {
        details: `Tried\n${missing.join('\n')}`,
        hint: 'Name the folder that holds them with --media FOLDER, or relink them in the editor and save the timeline.',
      },
    );
  }
  return found;
}

async function firstFile(candidates: readonly string[]): Promise<string | null> {
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => null);
    if (found?.isFile() === true) return candidate;
  }
  return null;
}

/** A path, or the path of a `file:` address, which hosts write with and without a host name. */
export function toPath(written: string): string {
  if (!/^file:/i.test(written)) return written;
  try {
    const url = new URL(written);
    url.hostname = '';
    return fileURLToPath(url);
  } catch {
    return decodeSafely(written.replace(/^file:(\/\/[^/]*)?/i, ''));
  }
}

/** Names `file` as another file was named in the same place: by address, by path, or relative to the timeline's `folder`. */
export function writeReference(like: string, file: string, folder: string): string {
  if (/^file:/i.test(like)) return pathToFileURL(file).href;
  return path.isAbsolute(like) ? file : path.relative(folder, file);
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
