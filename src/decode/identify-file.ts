import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import type { Source } from './source.ts';

const MIB = 1 << 20;

/** Size, time of change and a hash over the first, middle and last MiB. Throws `SOURCE_NOT_FOUND` or `SOURCE_UNREADABLE`. */
export async function identifyFile(file: string): Promise<Source['identity']> {
  const facts = await stat(file).catch((error: unknown) => {
    throw new UpscaleError('SOURCE_NOT_FOUND', `There is no file ${file}.`, {
      cause: error,
      hint: 'Check the path.',
    });
  });
  if (facts.isDirectory()) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} is a folder.`, { hint: 'Give a file in it.' });
  }
  if (facts.isFile() && facts.size === 0) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} is empty.`, {
      hint: 'Copy it again from where it came.',
    });
  }
  const handle = await open(file).catch((error: unknown) => {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} may not be read.`, {
      cause: error,
      hint: 'Check its permissions.',
    });
  });
  try {
    const hash = createHash('sha256').update(String(facts.size));
    for (const at of new Set([0, Math.floor(facts.size / 2), Math.max(0, facts.size - MIB)])) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(MIB), 0, MIB, at);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { size: facts.size, mtimeMs: facts.mtimeMs, sampleSha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}
