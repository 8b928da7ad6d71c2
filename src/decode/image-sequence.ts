import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { Notice } from '../core/notice.ts';
import { formatRational, type Rational } from '../core/rational.ts';

export interface ImageSequence {
  readonly inputOptions: readonly string[];
  readonly first: number;
  readonly count: number;
  readonly notices: readonly Notice[];
}

const PATTERN = /%(0\d+)?d/;

/** Whether a path is a pattern of numbered pictures: `shot.%04d.png`. */
export function isImagePattern(file: string): boolean {
  return PATTERN.test(path.basename(file));
}

/**
 * Finds the pictures of a pattern. The sequence is the first unbroken run of numbers; a gap ends it and is told.
 * Throws `SOURCE_NOT_FOUND` when there is not one picture.
 */
export async function findImageSequence(pattern: string, rate: Rational | undefined): Promise<ImageSequence> {
  const folder = path.dirname(pattern);
  const [before = '', after = ''] = path
    .basename(pattern)
    .split(PATTERN.exec(path.basename(pattern))?.[0] ?? '%d');
  const names = await readdir(folder).catch(() => [] as string[]);
  const numbers = names
    .filter(
      (name) => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length,
    )
    .map((name) => name.slice(before.length, name.length - after.length))
    .filter((digits) => /^\d+$/.test(digits))
    .map(Number)
    .sort((a, b) => a - b);
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
      message: 'Pictures carry no frame rate; 25 a second is taken. Say otherwise with --input-frame-rate.',
    });
  }
  const framerate = rate === undefined ? '25' : formatRational(rate);
  return {
    inputOptions: ['-f', 'image2', '-framerate', framerate, '-start_number', String(first)],
    first,
    count,
    notices,
  };
}
