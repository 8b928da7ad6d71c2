import { appendFile } from 'node:fs/promises';
import { serializeBoxes, type Box } from './mov-boxes.ts';

/**
 * Adds tags of any name to a finished MP4 or QuickTime file, without moving a byte: as a `meta` box behind all others (ISO/IEC 14496-12
 * allows one at the file's own level) with the free-form items (`----`) that music players introduced. ffmpeg reads them as the file's tags
 * in both kinds of file and from 2018 on. Its muxers either know no such names, or write them in place of all the usual tags.
 */
export async function appendMovieTags(file: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const items = Object.entries(tags).flatMap(([name, value]) =>
    value === '' ? [] : [makeItem(name, value)],
  );
  if (items.length === 0) return;
  const handler = [Buffer.alloc(8), Buffer.from('mdirappl', 'latin1'), Buffer.alloc(9)];
  const parts = [makeBox('hdlr', ...handler), makeBox('ilst', serializeBoxes(items))];
  await appendFile(file, serializeBoxes([makeBox('meta', Buffer.alloc(4), serializeBoxes(parts))]));
}

function makeItem(name: string, value: string): Box {
  const plain = Buffer.alloc(4);
  // Of type 1, UTF-8, and of no language.
  const text = Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]);
  return makeBox(
    '----',
    serializeBoxes([
      makeBox('mean', plain, Buffer.from('com.apple.iTunes', 'latin1')),
      makeBox('name', plain, Buffer.from(name)),
      makeBox('data', text, Buffer.from(value)),
    ]),
  );
}

function makeBox(type: string, ...content: readonly Buffer[]): Box {
  return { type, content: Buffer.concat(content), children: null };
}
