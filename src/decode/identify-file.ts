import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import type { Source } from './source.ts';

const MIB = 1 << 20;

/** Whether an input is an address that serves ranges of a file, and no path. */
export function isAddress(input: string): boolean {
  return /^https?:\/\//.test(input);
}

/**
 * Size, time of change and a hash over the first, middle and last MiB of a file, or of what an address serves ranges of. Throws
 * `SOURCE_NOT_FOUND` or `SOURCE_UNREADABLE`.
 */
export async function identifyFile(file: string): Promise<Source['identity']> {
  if (isAddress(file)) return identifyAddress(file);
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
    for (const at of listSamples(facts.size)) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(MIB), 0, MIB, at);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { size: facts.size, mtimeMs: facts.mtimeMs, sampleSha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function identifyAddress(address: string): Promise<Source['identity']> {
  const ask = async (range: string): Promise<Response> => {
    const response = await fetch(address, { headers: { range } }).catch((error: unknown) => {
      throw new UpscaleError('SOURCE_UNREADABLE', `Nothing answers at ${address}.`, { cause: error });
    });
    if (response.status === 206) return response;
    throw new UpscaleError(
      'SOURCE_UNREADABLE',
      `${address} serves no ranges: it answers ${response.status}.`,
    );
  };
  const first = await ask('bytes=0-0');
  await first.arrayBuffer();
  const size = Number(/\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1]);
  const hash = createHash('sha256').update(String(size));
  for (const at of listSamples(size)) {
    const part = await ask(`bytes=${String(at)}-${String(Math.min(size, at + MIB) - 1)}`);
    hash.update(new Uint8Array(await part.arrayBuffer()));
  }
  const modified = Date.parse(first.headers.get('last-modified') ?? '');
  return { size, mtimeMs: Number.isNaN(modified) ? 0 : modified, sampleSha256: hash.digest('hex') };
}

/** Where the samples begin; some may overlap. */
function listSamples(size: number): Set<number> {
  return new Set([0, Math.floor(size / 2), Math.max(0, size - MIB)]);
}
