/**
 * Writes src/pipeline/label-font.ts, the letters of the sheets' labels: printable ASCII of a typewriter font, drawn by ffmpeg's drawtext.
 *
 *     npx tsx scripts/write-label-font.ts FONT
 *
 * FONT was DejaVu Sans Mono, `files/dejavu-mono-latin-400-normal.woff` of the npm package @fontsource/dejavu-mono 5.3.0.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { format } from 'prettier';
import { pipeBytes } from '../src/ffmpeg/pipe-bytes.ts';
import { findTools } from '../src/ffmpeg/tools.ts';

const FIRST = 32;
const COUNT = 95;
const CELL = { width: 10, height: 20 };
const SIZE = 16;
const BASELINE = 15;

const font = process.argv[2];
if (font === undefined) throw new Error('usage: tsx scripts/write-label-font.ts FONT');
const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-font-'));
try {
  const filters: string[] = [];
  for (let i = 0; i < COUNT; i++) {
    const text = path.join(folder, `${String(i)}.txt`);
    await writeFile(text, String.fromCharCode(FIRST + i));
    const place = `x=${i * CELL.width}:y=${BASELINE}-max_glyph_a`;
    filters.push(
      `drawtext=fontfile=${font}:textfile=${text}:expansion=none:fontsize=${SIZE}:fontcolor=white:${place}`,
    );
  }
  const [width, height] = [COUNT * CELL.width, CELL.height];
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray'];
  const pixels = await pipeBytes(await findTools(), new Uint8Array(width * height), {
    input: [...raw, '-s', `${width}x${height}`],
    output: ['-vf', `format=rgb24,${filters.join(',')},format=gray`, ...raw],
    what: 'drawing letters',
  });
  const packed = deflateSync(pixels, { level: 9 }).toString('base64');
  const source = `
    // Written by scripts/write-label-font.ts; do not edit. Letters of DejaVu Sans Mono, whose licence lets anyone use, change and pass them on.

    /** Printable ASCII from the space on, side by side, as 8-bit coverage; deflated, in base64. */
    export const LABEL_FONT = {
      first: ${FIRST},
      count: ${COUNT},
      /** Of each letter, in pixels. */
      width: ${CELL.width},
      height: ${CELL.height},
      coverage: '${packed}',
    } as const;`;
  const target = fileURLToPath(new URL('../src/pipeline/label-font.ts', import.meta.url));
  await writeFile(target, await format(source, { parser: 'typescript', singleQuote: true, printWidth: 110 }));
} finally {
  await rm(folder, { recursive: true, force: true });
}
