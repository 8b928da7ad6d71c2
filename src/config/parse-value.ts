import { UpscaleError } from '../core/errors.ts';
import type { OptionSpec } from './option-table.ts';

/** Bytes of each unit; 1024 each, as memory is counted. */
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Reads `4G`, `800M`, `1.5GiB`, `1073741824`; null for anything else. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  if (match === null) return null;
  const bytes = Math.round(Number(match[1]) * (UNITS[(match[2] ?? '').toUpperCase()] ?? 1));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

/**
 * Splits a line of arguments as a POSIX shell would: at spaces, with single quotes, double quotes and backslashes, and nothing else
 * of a shell. Throws `USAGE` for a quote without an end.
 */
export function splitArguments(line: string): string[] {
  const found: string[] = [];
  let current: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    const next = line.charAt(i + 1);
    if (quote === "'") {
      if (char === quote) quote = null;
      else current = (current ?? '') + char;
    } else if (char === '\\' && next !== '' && (quote === null || next === '"' || next === '\\')) {
      current = (current ?? '') + next;
      i++;
    } else if (quote !== null) {
      if (char === quote) quote = null;
      else current = (current ?? '') + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      current ??= '';
    } else if (/\s/.test(char)) {
      if (current !== null) found.push(current);
      current = null;
    } else {
      current = (current ?? '') + char;
    }
  }
  if (quote !== null) {
    throw new UpscaleError('USAGE', `The arguments ${line} have a ${quote} without its other half.`, {
      hint: 'Close the quote.',
    });
  }
  if (current !== null) found.push(current);
  return found;
}

/** What an option's value is once read. */
export type OptionValue = string | number | boolean | readonly string[];

/**
 * Reads and checks one value, as text from the command line or already of its type from a program. Throws `USAGE` with what would be
 * right.
 */
export function readValue(spec: OptionSpec, value: OptionValue): OptionValue {
  switch (spec.type) {
    case 'flag':
      if (typeof value === 'boolean') return value;
      throw refuse(spec, value, 'Give it without a value.');
    case 'number':
    case 'integer':
      return readNumber(spec, value);
    case 'size': {
      const bytes = parseSize(String(value));
      if (bytes !== null) return bytes;
      throw refuse(spec, value, 'Write it as 4G, 800M or in bytes.');
    }
    case 'arguments':
      return typeof value === 'string' ? splitArguments(value) : readList(spec, value);
    case 'list': {
      const words =
        typeof value === 'string'
          ? // Commas in braces are those of a pattern: *.{avi,mov}.
            value.split(/,(?![^{}]*\})/).map((word) => word.trim())
          : readList(spec, value);
      if (words.length > 0 && !words.includes('')) return words;
      throw refuse(spec, value, 'Give one or several, with commas between them.');
    }
    case 'text':
      return readText(spec, value);
  }
}

function readNumber(spec: OptionSpec, value: OptionValue): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const [least, most] = spec.range ?? [-Infinity, Infinity];
  const good =
    typeof number === 'number' &&
    Number.isFinite(number) &&
    (spec.type === 'number' || Number.isInteger(number)) &&
    number >= least &&
    number <= most;
  if (good) return number;
  const kind = spec.type === 'integer' ? 'a whole number' : 'a number';
  throw refuse(
    spec,
    value,
    spec.range === undefined ? `Give ${kind}.` : `Give ${kind} from ${String(least)} to ${String(most)}.`,
  );
}

function readText(spec: OptionSpec, value: OptionValue): string {
  if (typeof value !== 'string' || value === '') throw refuse(spec, value, 'Give it a value.');
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    throw refuse(spec, value, `Use one of ${spec.choices.join(', ')}.`);
  }
  return value;
}

function readList(spec: OptionSpec, value: OptionValue): readonly string[] {
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw refuse(spec, value, 'Give a list of arguments.');
}

function refuse(spec: OptionSpec, value: OptionValue, hint: string): UpscaleError {
  return new UpscaleError('USAGE', `--${spec.name} cannot be ${JSON.stringify(value)}.`, { hint });
}
