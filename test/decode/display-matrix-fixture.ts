import { readFile, writeFile } from 'node:fs/promises';

/** a, b, c, d of ISO/IEC 14496-12, 8.3.2: x' = ax + cy, y' = bx + dy, y downwards. */
export type Matrix = readonly [number, number, number, number];

/** Puts a display matrix into the header of a file's first track. */
export async function writeMatrix(file: string, [a, b, c, d]: Matrix): Promise<void> {
  const bytes = await readFile(file);
  const at = bytes.indexOf('tkhd') + 4 + 4 + 36;
  [a, b, 0, c, d, 0].forEach((value, i) => bytes.writeInt32BE(value * 65536, at + 4 * i));
  await writeFile(file, bytes);
}
