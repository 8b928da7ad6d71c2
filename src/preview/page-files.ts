import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UpscaleError } from '../core/errors.ts';

/** The built page, beside the built program. */
const PAGE_DIRECTORY = fileURLToPath(new URL('../../dist/page', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

/**
 * Reads the whole page into memory, by the paths that browsers ask for. Requests are answered from here, so that nothing in an address can
 * reach the file system.
 *
 * @throws UpscaleError `INTERNAL` where the page was not built
 */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const names = await readdir(PAGE_DIRECTORY, { recursive: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const type = TYPES[path.extname(name)];
    if (type === undefined) continue;
    const content = await readFile(path.join(PAGE_DIRECTORY, name));
    files.set(`/${name.split(path.sep).join('/')}`, { type, content });
  }
  const index = files.get('/index.html');
  if (index === undefined) {
    throw new UpscaleError('INTERNAL', 'The page of the preview is not there.', {
      hint: 'Build it with npm run build, or install Upreel again.',
    });
  }
  return files.set('/', index);
}
