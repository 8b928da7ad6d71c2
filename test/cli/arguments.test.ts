import { describe, expect, it } from 'vitest';
import { joinValues, readMessageOptions, readRequest } from '../../src/cli/arguments.ts';

describe('joinValues', () => {
  it.each([
    [
      ['upscale', '-i', '-x.avi'],
      ['upscale', '--input=-x.avi'],
    ],
    [
      ['upscale', 'a', '--encoder-args', '-tune film'],
      ['upscale', 'a', '--encoder-args=-tune film'],
    ],
    [
      ['upscale', '-o', '-'],
      ['upscale', '--output=-'],
    ],
    [
      ['upscale', '-o', '-y'],
      ['upscale', '-o', '-y'],
    ],
    [
      ['upscale', '--crf'],
      ['upscale', '--crf'],
    ],
    [
      ['upscale', '--crf=3', 'a'],
      ['upscale', '--crf=3', 'a'],
    ],
    [
      ['upscale', '--', '-o', 'a'],
      ['upscale', '--', '-o', 'a'],
    ],
    [
      ['upscale', '-y', 'a'],
      ['upscale', '-y', 'a'],
    ],
  ])('%j', (argv, joined) => expect(joinValues(argv)).toEqual(joined));
});

describe('readRequest', () => {
  it('takes the fields of the options and leaves the rest', () => {
    const raw = { _: ['upscale'], input: 'a', 'encoder-args': '-tune film', json: true, overwrite: true };
    expect(readRequest(raw, 'upscale')).toEqual({ encoderArgs: '-tune film', overwrite: true });
  });

  it('refuses -y with -n', () => {
    expect(() => readRequest({ _: [], overwrite: true, 'no-overwrite': true }, 'upscale')).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });
});

describe('readMessageOptions', () => {
  it('has defaults', () => {
    expect(readMessageOptions({ _: [] })).toEqual({
      json: false,
      verbose: false,
      progress: 'auto',
      logLevel: 'warning',
    });
  });

  it('takes --no-progress and --verbose', () => {
    const raw = { _: [], 'no-progress': true, progress: 'bar', verbose: true };
    expect(readMessageOptions(raw)).toMatchObject({ progress: 'none', logLevel: 'debug' });
  });

  it('refuses a level that is none', () => {
    expect(() => readMessageOptions({ _: [], 'log-level': 'loud' })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });
});
