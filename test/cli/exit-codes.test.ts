import { describe, expect, it } from 'vitest';
import { EXIT_CODES, EXIT_MEANINGS, exitCodeOf } from '../../src/cli/exit-codes.ts';
import { ERROR_CODES } from '../../src/core/errors.ts';

describe('exit codes', () => {
  it('give every error a code that means failure', () => {
    const failures = Object.values(EXIT_CODES).filter((code) => code !== 0);
    for (const code of ERROR_CODES) expect(failures).toContain(exitCodeOf(code));
  });

  it('are distinct, and each has its meaning', () => {
    const values = Object.values(EXIT_CODES);
    expect(new Set(values).size).toBe(values.length);
    expect(Object.keys(EXIT_MEANINGS)).toEqual(Object.keys(EXIT_CODES));
  });

  it.each([
    ['USAGE', 2],
    ['SOURCE_NOT_FOUND', 3],
    ['OUTPUT_EXISTS', 4],
    ['DEVICE_UNAVAILABLE', 5],
    ['CONTAINER_MISFIT', 6],
    ['VERIFY_FAILED', 8],
    ['ABORTED', 130],
    ['INTERNAL', 1],
  ] as const)('%s ends with %d', (code, exit) => expect(exitCodeOf(code)).toBe(exit));
});
