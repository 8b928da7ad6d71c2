import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';

export const MARKER = 'upreel.json';
export const LOCK = 'lock';
const SUFFIX = '.upreel-work';

/** What a work directory says of its run, for those who do not know the plan. */
const markerSchema = z.object({
  hash: z.string(),
  source: z.string(),
  output: z.string(),
  segments: z.int(),
  expectedFrames: z.int(),
});
export type WorkMarker = z.infer<typeof markerSchema>;

/** The folder beside `output`; for stdout one in the system's temporary folder. */
export function workDirectoryPath(output: string, hash: string): string {
  if (output === '-') return path.join(os.tmpdir(), `upreel-${hash.slice(0, 16)}${SUFFIX}`);
  // A pattern's percent sign would be read as one again by ffmpeg.
  const name = path.basename(output).replaceAll('%', '_');
  const short = name.length > 120 ? createHash('sha256').update(name).digest('hex').slice(0, 32) : name;
  return path.join(path.dirname(output), `.${short}${SUFFIX}`);
}

/** Whether a folder of this name is a work directory. */
export function isWorkDirectory(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** Whether a file of this name is the record of a finished segment. */
export function isSegmentRecord(name: string): boolean {
  return /^segment-\d+\.json$/.test(name);
}

/** What the work directory says of its run; null when it says nothing that can be read. */
export async function readMarker(directory: string): Promise<WorkMarker | null> {
  try {
    return markerSchema.parse(JSON.parse(await readFile(path.join(directory, MARKER), 'utf8')));
  } catch {
    return null;
  }
}
