import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createReporter } from '../../src/cli/progress-reporter.ts';
import { formatBytes, formatDuration } from '../../src/core/format.ts';
import { describeProgress } from '../../src/cli/progress-text.ts';
import type { ProgressEvent } from '../../src/pipeline/progress.ts';

type Progress = Extract<ProgressEvent, { type: 'progress' }>;

const half: Progress = {
  type: 'progress',
  frames: 165,
  totalFrames: 330,
  resumedFrames: 50,
  fps: 4.21,
  speed: 0.1684,
  etaSeconds: 39.2,
  share: { decode: 0.05, temporal: 0.04, infer: 0.71, encode: 0.2 },
  segmentsDone: 1,
  segments: 3,
};
const whole: Progress = { ...half, frames: 330, etaSeconds: 0 };
const notice: ProgressEvent = {
  type: 'notice',
  notice: { level: 'warning', code: 'x', message: 'Alpha is lost.' },
};

/** What a view writes to a stream that is no terminal, or claims to be one. */
function record(
  progress: 'auto' | 'bar' | 'plain' | 'json' | 'none',
  isTTY: boolean,
  events: ProgressEvent[],
): string {
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    columns: 120,
    cursorTo: () => true,
    clearLine: () => true,
  });
  const reporter = createReporter({ progress, logLevel: 'warning' }, stream as unknown as NodeJS.WriteStream);
  for (const event of events) reporter.listener(event);
  reporter.logger.info('not shown');
  reporter.logger.warn('shown');
  reporter.close();
  return String(stream.read() ?? '');
}

describe('progress', () => {
  it('says frames, speed, time left and the stage that takes longest', () => {
    expect(describeProgress(half)).toBe(
      '50 %  165/330 frames  50 taken over  4.2 fps  0.17x  39 s left  (infer 71 %)',
    );
  });

  it('says only what is known at the start', () => {
    const start: Progress = {
      ...half,
      frames: 0,
      resumedFrames: 0,
      fps: 0,
      etaSeconds: null,
      share: { decode: 0, temporal: 0, infer: 0, encode: 0 },
    };
    expect(describeProgress(start)).toBe('0 %  0/330 frames');
  });

  it('is plain lines where there is no terminal', () => {
    const events: ProgressEvent[] = [{ type: 'stage', stage: 'probe' }, notice, half, half, whole, whole];
    const lines = record('auto', false, events).trimEnd().split('\n');
    expect(lines).toEqual([
      'Looking at the source ...',
      'warning: Alpha is lost.',
      describeProgress(half),
      describeProgress(whole),
      'warning: shown',
    ]);
  });

  it('is one JSON object a line', () => {
    const lines = record('json', true, [{ type: 'stage', stage: 'run' }, half])
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { type: 'stage', stage: 'run' },
      half,
      { type: 'log', message: 'warning: shown' },
    ]);
  });

  it('is a bar on a terminal, taken down at the end', () => {
    const text = record('auto', true, [{ type: 'stage', stage: 'run' }, half, notice, whole]);
    expect(text).toContain('█');
    expect(text).toContain('165/330 frames');
    expect(text).toContain('warning: Alpha is lost.\n');
    expect(text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('can be silent', () => {
    expect(record('none', true, [{ type: 'stage', stage: 'run' }, half])).toBe('warning: shown\n');
  });

  it.each([
    [0.4, '0 s'],
    [59.6, '1 min 00 s'],
    [250, '4 min 10 s'],
    [11_220, '3 h 07 min'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [812, '812 B'],
    [3_400_000, '3.40 MB'],
    [12_400_000_000, '12.4 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
