import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UpscaleError } from '../../core/errors.ts';

const entrySchema = z.object({
  /** What tells a file from others whatever it is called: size, time of its last change and inode. */
  identity: z.string(),
  name: z.string(),
  state: z.enum(['started', 'done', 'failed']),
  output: z.string(),
});
type Entry = z.infer<typeof entrySchema>;

const NAME = '.upreel-watch.jsonl';

/** What was taken out of a watched folder, kept in the folder itself, one line for each step: a torn last line loses nothing but itself. */
export class WatchJournal {
  readonly #file: string;
  readonly #entries = new Map<string, Entry>();

  private constructor(file: string) {
    this.#file = file;
  }

  static async open(folder: string): Promise<WatchJournal> {
    const journal = new WatchJournal(path.join(folder, NAME));
    const text = await readFile(journal.#file, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const entry = parseLine(line);
      if (entry !== null) journal.#entries.set(entry.identity, entry);
    }
    // A torn line must not swallow the next one.
    if (text !== '' && !text.endsWith('\n')) await appendFile(journal.#file, '\n');
    return journal;
  }

  find(identity: string): Entry | undefined {
    return this.#entries.get(identity);
  }

  /** Throws `OUTPUT_UNWRITABLE`: without it files would be taken twice. */
  async record(entry: Entry): Promise<void> {
    try {
      await appendFile(this.#file, `${JSON.stringify(entry)}\n`);
    } catch (error) {
      throw new UpscaleError('OUTPUT_UNWRITABLE', `Cannot write into ${path.dirname(this.#file)}.`, {
        cause: error,
        hint: 'Watch a folder that you may write to: what was done is noted there.',
      });
    }
    this.#entries.set(entry.identity, entry);
  }
}

function parseLine(line: string): Entry | null {
  if (line.trim() === '') return null;
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
