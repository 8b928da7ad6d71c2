import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildArguments, toFfmpegPath } from '../../src/ffmpeg/command.ts';

describe('buildArguments', () => {
  it('puts options before the file that they belong to', () => {
    expect(
      buildArguments({
        global: ['-v', 'error'],
        inputs: [{ path: 'a b.mp4', options: ['-ss', '3'] }, { path: 'second.wav' }],
        outputs: [{ path: 'out put.mkv', options: ['-map', '0:0', '-c:v', 'ffv1'] }],
      }),
    ).toEqual(
      '-hide_banner|-nostdin|-v|error|-ss|3|-i|a b.mp4|-i|second.wav|-y|-map|0:0|-c:v|ffv1|out put.mkv'.split(
        '|',
      ),
    );
  });

  it('passes every argument on unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 6 }), (options) => {
        const spec = { inputs: [{ path: 'in', options }], outputs: [{ path: 'out', options }] };
        expect(buildArguments(spec)).toEqual([
          '-hide_banner',
          '-nostdin',
          ...options,
          '-i',
          'in',
          '-y',
          ...options,
          'out',
        ]);
      }),
    );
  });

  it('leaves the graph of a test source alone', () => {
    const inputs = [{ path: 'testsrc2=size=64x64:rate=25', options: ['-f', 'lavfi'] }];
    expect(buildArguments({ inputs, outputs: [] })).toContain('testsrc2=size=64x64:rate=25');
  });
});

describe('toFfmpegPath', () => {
  it.each([
    ['clip.mp4', 'clip.mp4'],
    ['/tapes/a b "c".avi', '/tapes/a b "c".avi'],
    ['-dash.mp4', 'file:-dash.mp4'],
    ['12:30.mov', 'file:12:30.mov'],
    ['C:\\tapes\\a.avi', 'file:C:\\tapes\\a.avi'],
    ['pipe:0', 'pipe:0'],
  ])('writes %s as %s', (path, expected) => {
    expect(toFfmpegPath(path)).toBe(expected);
  });
});
