import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/cli/print-error.ts';
import { UpscaleError } from '../../src/core/errors.ts';

const failed = new UpscaleError('ENCODER_FAILED', 'ffmpeg failed while encoding a.mp4 (exit status 1).', {
  hint: 'Try another --encoder.',
  details: Array.from({ length: 20 }, (_, line) => `word ${String(line)}`).join('\n'),
  cause: new Error('the first cause'),
});

describe('describeError', () => {
  it('is one sentence, the tool’s last words and the way out', () => {
    const lines = describeError(failed, { verbose: false }).trimEnd().split('\n');
    expect(lines[0]).toBe('upreel: ffmpeg failed while encoding a.mp4 (exit status 1).');
    expect(lines.slice(1, -1)).toEqual(
      Array.from({ length: 8 }, (_, line) => `  | word ${String(line + 12)}`),
    );
    expect(lines.at(-1)).toBe('  Try another --encoder.');
  });

  it('shows where it arose and the cause only when asked', () => {
    expect(describeError(failed, { verbose: false })).not.toContain('the first cause');
    const verbose = describeError(failed, { verbose: true });
    expect(verbose).toContain('code ENCODER_FAILED');
    expect(verbose).toContain('Error: the first cause');
    expect(verbose).toMatch(/\n {4}at /);
  });

  it('sends to --verbose for what nobody foresaw', () => {
    expect(describeError(new TypeError('x is not a function'), { verbose: false })).toBe(
      'upreel: x is not a function\n  Run the same command with --verbose to see where it arose.\n',
    );
  });
});
