import { describe, expect, it } from 'vitest';
import { turnChromaLocation } from '../../src/decode/turn-chroma-location.ts';

const EVEN = { width: 8, height: 6 };

describe('turnChromaLocation', () => {
  it.each([
    ['left', 0, false, 'left'],
    ['left', 90, false, 'top'],
    ['left', 270, false, 'bottom'],
    ['left', 180, false, 'center'],
    ['left', 0, true, 'center'],
    ['topleft', 270, false, 'bottomleft'],
    ['topleft', 90, true, 'topleft'],
    ['top', 90, true, 'left'],
    ['bottom', 90, false, 'left'],
    ['center', 90, true, 'center'],
    ['unknown', 90, false, 'unknown'],
  ] as const)('%s turned by %i, mirrored %s: %s', (location, rotation, mirrored, expected) => {
    expect(turnChromaLocation(location, { rotation, mirrored, ...EVEN })).toBe(expected);
  });

  it('leaves the first of a pair first where an odd line is mirrored', () => {
    expect(turnChromaLocation('left', { rotation: 180, mirrored: false, width: 7, height: 6 })).toBe('left');
  });
});
