import fc from 'fast-check';
import Timecode, { type FRAMERATE } from 'smpte-timecode';
import { describe, expect, it } from 'vitest';
import { countTimecode, formatTimecode, parseTimecode, type TimecodeCount } from '../../src/core/timecode.ts';

/** Rates with what the independent library calls them. */
const RATES: readonly (readonly [string, TimecodeCount, FRAMERATE])[] = [
  ['23.976', countTimecode({ num: 24000, den: 1001 }, false), 23.976],
  ['25', countTimecode({ num: 25, den: 1 }, false), 25],
  ['29.97 non-drop', countTimecode({ num: 30000, den: 1001 }, false), 29.97],
  ['29.97 drop', countTimecode({ num: 30000, den: 1001 }, true), 29.97],
  ['50', countTimecode({ num: 50, den: 1 }, false), 50],
  ['59.94 drop', countTimecode({ num: 60000, den: 1001 }, true), 59.94],
];

function dayOf({ framesPerSecond, dropFrame }: TimecodeCount): number {
  return framesPerSecond * 86400 - (dropFrame ? (framesPerSecond / 15) * 9 * 144 : 0);
}

describe.each(RATES)('timecode at %s', (_, count, rate) => {
  const frames = fc.oneof(
    fc.nat({ max: dayOf(count) - 1 }),
    // The borders of minutes are where drop-frame counts otherwise.
    fc
      .tuple(fc.nat({ max: 1439 }), fc.integer({ min: -5, max: 5 }))
      .map(([minute, off]) => Math.max(0, Math.floor((dayOf(count) * minute) / 1440) + off)),
  );

  it('formats as smpte-timecode does', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const other = Timecode(frame, rate, count.dropFrame);
        expect(formatTimecode(frame, count)).toBe(other.toString());
      }),
      { numRuns: 2000 },
    );
  });

  it('reads what it wrote, and what smpte-timecode counts', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const text = formatTimecode(frame, count);
        expect(parseTimecode(text, count)).toBe(frame);
        expect(Timecode(text, rate, count.dropFrame).frameCount).toBe(frame);
      }),
      { numRuns: 2000 },
    );
  });

  it('goes round after a day, and back over midnight', () => {
    expect(formatTimecode(dayOf(count), count)).toBe(formatTimecode(0, count));
    expect(parseTimecode(formatTimecode(-1, count), count)).toBe(dayOf(count) - 1);
  });
});

describe('parseTimecode', () => {
  const drop = countTimecode({ num: 30000, den: 1001 }, true);

  it.each(['00:01:00;00', '00:01:00;01', '00:00:00;30', '24:00:00;00', '00:60:00;00', '1:00:00;00', 'none'])(
    'knows that %s does not exist',
    (text) => {
      expect(parseTimecode(text, drop)).toBeNull();
    },
  );

  it('knows the first frame of a minute that drops none', () => {
    expect(parseTimecode('00:10:00;00', drop)).toBe(17982);
    expect(parseTimecode('01:00:00;00', drop)).toBe(107892);
  });
});
