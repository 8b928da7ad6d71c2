import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Links and pictures of the HTML pages of a folder that lead to no file in it, or to no place in a page: `page: link`. */
export async function findDeadLinks(folder: string): Promise<string[]> {
  const files = new Set(await readdir(folder, { recursive: true }));
  const pages = new Map<string, string>();
  for (const file of files) {
    if (file.endsWith('.html')) pages.set(file, await readFile(path.join(folder, file), 'utf8'));
  }
  const places = new Map([...pages].map(([file, text]) => [file, readPlaces(text)]));
  const dead: string[] = [];
  for (const [page, text] of pages) {
    for (const [, link = ''] of text.matchAll(/<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g)) {
      if (/^(?:[a-z]+:|\/\/)/.test(link)) continue;
      const [address = '', place = ''] = link.replaceAll('&amp;', '&').split('#').map(decodeURIComponent);
      const target = address === '' ? page : path.join(path.dirname(page), address.replace(/\?.*$/, ''));
      const isDead = !files.has(target) || (place !== '' && places.get(target)?.has(place) === false);
      if (isDead) dead.push(`${page}: ${link}`);
    }
  }
  return [...new Set(dead)];
}

function readPlaces(page: string): Set<string> {
  return new Set([...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id ?? ''));
}
