import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJob } from '../../src/hook/read-job.ts';

const NOTHING = { file: undefined, request: {}, stdin: null, environment: {} };

describe('readJob', () => {
  it('takes the argument, and makes a mezzanine', () => {
    expect(readJob({ ...NOTHING, file: 'film.mov' })).toMatchObject({
      file: 'film.mov',
      request: { preset: 'mezzanine' },
    });
  });

  it('prefers the command line to standard input, and that to the environment', () => {
    const environment = { UPREEL_FILE: 'e.mov', UPREEL_PRESET: 'web', UPREEL_OUTPUT: 'e-out.mov' };
    const stdin = JSON.stringify({ file: 's.mov', preset: 'archive', options: { model: 'lanczos' } });
    expect(readJob({ ...NOTHING, environment })).toEqual({
      file: 'e.mov',
      request: { preset: 'web', output: 'e-out.mov' },
    });
    expect(readJob({ ...NOTHING, file: '-', stdin, environment })).toEqual({
      file: 's.mov',
      request: { preset: 'archive', output: 'e-out.mov', model: 'lanczos' },
    });
    const request = { preset: 'small', output: 'c.mp4', model: 'nearest' };
    expect(readJob({ file: '-', request, stdin, environment })).toEqual({ file: 's.mov', request });
  });

  it("reads DaVinci Resolve's own words", () => {
    const stdin = JSON.stringify({ TargetDir: '/renders', OutputFilename: 'Timeline 1.mov', JobId: '7' });
    expect(readJob({ ...NOTHING, file: '-', stdin }).file).toBe(path.join('/renders', 'Timeline 1.mov'));
  });

  it.each([
    ['nothing', undefined, null],
    ['no JSON', '-', 'film.mov'],
    ['no object', '-', '[]'],
    ['no file', '-', '{}'],
    ['a file that is a number', '-', '{"file": 7}'],
  ])('refuses %s', (_, file, stdin) => {
    expect(() => readJob({ ...NOTHING, file, stdin })).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    );
  });
});
