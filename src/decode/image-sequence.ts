import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Notice } from '../core/notice.ts';
import { formatRational, type Rational } from '../core/rational.ts';
import type { Source } from './source.ts';

export interface ImageSequence {
  readonly inputOptions: readonly string[];
  readonly first: number;
  readonly count: number;
  /** Sizes of all pictures together, the newest time, and a hash over names, sizes and times. */
  readonly identity: Source['identity'];
  readonly notices: readonly Notice[];
}

const PATTERN = /%(?:0(\d+))?d/;
const DEFAULT_RATE = '25';
/** Pictures whose facts are read at once. */
const AT_ONCE = 64;

/** Whether a path is a pattern of numbered pictures (`shot.%04d.png`), and not a file that happens to be called so. */
export function isImagePattern(file: string): boolean {
  return PATTERN.test(path.basename(file)) && !existsSync(file);
}

/** Whether ffmpeg's name of a container stands for a file that is one picture. */
export function isPictureFormat(format: string): boolean {
  return format === 'image2' || format.endsWith('_pipe');
}

/**
 * Finds the pictures of a pattern. The sequence is the first unbroken run of numbers; a gap ends it and is told.
 * Throws `SOURCE_NOT_FOUND` when there is not one picture.
 */
export async function findImageSequence(pattern: string, rate: Rational | undefined): Promise<ImageSequence> {
  const folder = path.dirname(pattern);
  const numbers = listNumbers(path.basename(pattern), await readdir(folder).catch(() => [] as string[]));
  const first = numbers[0];
  if (first === undefined) {
    throw new UpscaleError('SOURCE_NOT_FOUND', `No picture matches ${pattern}.`, {
      hint: 'Check the folder and the number of digits: %04d stands for four.',
    });
  }
  let count = 1;
  while (numbers[count] === first + count) count++;
  const notices: Notice[] = [];
  if (count < numbers.length) {
    notices.push({
      level: 'warning',
      code: 'sequence-gap',
      message: `Picture ${String(first + count)} of ${path.basename(pattern)} is missing; the ${String(numbers.length - count)} pictures behind the gap are left out.`,
    });
  }
  if (rate === undefined) {
    notices.push({
      level: 'info',
      code: 'sequence-rate',
      message: `Pictures carry no frame rate; ${DEFAULT_RATE} a second is taken. Say otherwise with --input-frame-rate.`,
    });
  }
  const framerate = rate === undefined ? DEFAULT_RATE : formatRational(rate);
  const names = numbers.slice(0, count).map((number) => formatName(path.basename(pattern), number));
  return {
    inputOptions: ['-f', 'image2', '-framerate', framerate, '-start_number', String(first)],
    first,
    count,
    identity: await identifyPictures(folder, names),
    notices,
  };
}

/** Numbers of the names that ffmpeg would make from the pattern, ascending. */
function listNumbers(pattern: string, names: readonly string[]): number[] {
  const [mark = ''] = PATTERN.exec(pattern) ?? [];
  const at = pattern.indexOf(mark);
  const end = pattern.length - at - mark.length;
  return names
    .map((name) => name.slice(at, name.length - end))
    .map((digits, i) => ({ number: Number(digits), digits, name: names[i] }))
    .filter(({ digits, number, name }) => /^\d+$/.test(digits) && formatName(pattern, number) === name)
    .map(({ number }) => number)
    .sort((a, b) => a - b);
}

function formatName(pattern: string, number: number): string {
  return pattern.replace(PATTERN, (_, digits: string | undefined) =>
    String(number).padStart(Number(digits ?? '1'), '0'),
  );
}

async function identifyPictures(folder: string, names: readonly string[]): Promise<Source['identity']> {
  const hash = createHash('sha256');
  let size = 0;
  let mtimeMs = 0;
  for (let i = 0; i < names.length; i += AT_ONCE) {
    const some = names.slice(i, i + AT_ONCE);
    const facts = await Promise.all(some.map((name) => stat(path.join(folder, name))));
    facts.forEach((fact, k) => {
      hash.update(`${some[k] ?? ''}\0${String(fact.size)}\0${String(fact.mtimeMs)}\n`);
      size += fact.size;
      mtimeMs = Math.max(mtimeMs, fact.mtimeMs);
    });
  }
  return { size, mtimeMs, sampleSha256: hash.digest('hex') };
}
