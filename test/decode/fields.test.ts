import { describe, expect, it } from 'vitest';
import type { FrameEvidence } from '../../src/decode/field-evidence.ts';
import { examineFrame } from '../../src/decode/field-evidence.ts';
import { judgeFrame, type FrameVerdict } from '../../src/decode/field-verdict.ts';
import { decideFields } from '../../src/decode/fields.ts';
import { chooseSpots } from '../../src/decode/look-at-fields.ts';
import { findPulldown } from '../../src/decode/pulldown.ts';
import { makeVideo } from './source-fixture.ts';

const FRAMES: Readonly<Record<FrameVerdict, FrameEvidence>> = {
  tff: { moving: 1000, whole: 1000, topFirst: 700, bottomFirst: 1400 },
  bff: { moving: 1000, whole: 1000, topFirst: 1400, bottomFirst: 700 },
  whole: { moving: 1000, whole: 1000, topFirst: 2000, bottomFirst: 2100 },
  open: { moving: 3, whole: 5, topFirst: 1, bottomFirst: 9 },
};

function frames(...runs: readonly (readonly [FrameVerdict, number])[]): FrameEvidence[] {
  return runs.flatMap(([verdict, count]) => Array.from({ length: count }, () => FRAMES[verdict]));
}

describe('judgeFrame', () => {
  it.each([
    ['tff', FRAMES.tff],
    ['bff', FRAMES.bff],
    ['whole', FRAMES.whole],
    ['open', FRAMES.open],
    // Noise alone: a mean of two has less of it, whichever two.
    ['open', { moving: 1000, whole: 1000, topFirst: 830, bottomFirst: 840 }],
    ['open', { moving: 1000, whole: 1000, topFirst: 1000, bottomFirst: 1300 }],
    ['open', { moving: 1000, whole: 0, topFirst: 0, bottomFirst: 0 }],
    // Small things that move far between two fields.
    ['open', { moving: 1000, whole: 1000, topFirst: 1550, bottomFirst: 1100 }],
    ['whole', { moving: 1000, whole: 1000, topFirst: 1200, bottomFirst: 1100 }],
  ] as const)('%s', (verdict, evidence) => {
    expect(judgeFrame(evidence)).toBe(verdict);
  });
});

describe('examineFrame', () => {
  const width = 64;
  const height = 48;
  /** Slanted edges that move a pixel a field. */
  const draw = (topTime: number, bottomTime: number, contrast = 100): Uint8Array => {
    const frame = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const time = y % 2 === 0 ? topTime : bottomTime;
        frame[y * width + x] = 128 + contrast * Math.sin((x + y / 2 - 2 * time) / 5);
      }
    }
    return frame;
  };
  const drawSoftly = (topTime: number, bottomTime: number): Uint8Array => draw(topTime, bottomTime, 40);
  const look = (fields: (frame: number) => readonly [number, number]): FrameVerdict => {
    const [before, now, after] = [0, 1, 2].map((i) => draw(...fields(i)));
    if (before === undefined || now === undefined || after === undefined) throw new Error('no frames');
    return judgeFrame(examineFrame(before, now, after, width, height));
  };

  it('is not outvoted by a counter that changes in whole frames', () => {
    const count = (fields: (frame: number) => readonly [number, number]): FrameVerdict => {
      const clip = [0, 1, 2].map((i) => {
        const frame = drawSoftly(...fields(i));
        for (let y = 0; y < 16; y++) {
          for (let x = 0; x < 32; x++) frame[y * width + x] = i === 1 ? 235 : 16;
        }
        return frame;
      });
      const [before, now, after] = clip;
      if (before === undefined || now === undefined || after === undefined) throw new Error('no frames');
      return judgeFrame(examineFrame(before, now, after, width, height));
    };
    expect(count((i) => [2 * i, 2 * i + 1])).toBe('tff');
    expect(count((i) => [2 * i + 1, 2 * i])).toBe('bff');
    expect(count((i) => [2 * i, 2 * i])).toBe('whole');
  });

  it('tells which field is the earlier one', () => {
    expect(look((i) => [2 * i, 2 * i + 1])).toBe('tff');
    expect(look((i) => [2 * i + 1, 2 * i])).toBe('bff');
    expect(look((i) => [2 * i, 2 * i])).toBe('whole');
    expect(look(() => [0, 0])).toBe('open');
  });
});

describe('decideFields', () => {
  it.each([
    ['tff', frames(['tff', 40]), 'tff', true],
    ['tff', frames(['bff', 40]), 'bff', false],
    ['progressive', frames(['tff', 10], ['open', 30]), 'tff', true],
    ['unknown', frames(['bff', 3]), 'bff', false],
    ['progressive', frames(['tff', 2], ['open', 30]), 'progressive', null],
    ['tff', frames(['whole', 40]), 'progressive', null],
    ['bff', frames(['whole', 3]), 'bff', false],
    ['tff', frames(['open', 40]), 'tff', true],
    ['bff', [], 'bff', false],
    ['unknown', [], 'progressive', null],
    ['progressive', frames(['whole', 45], ['tff', 3]), 'progressive', null],
    ['unknown', frames(['tff', 10], ['bff', 10], ['whole', 20]), 'progressive', null],
  ] as const)('%s, %#: found %s', (tagged, evidence, found, topFieldFirst) => {
    const fields = decideFields(tagged, [evidence], 25);
    expect(fields).toMatchObject({ tagged, found, topFieldFirst });
    expect(fields.reason).not.toBe('');
  });

  it('says when only parts are interlaced', () => {
    expect(decideFields('tff', [frames(['tff', 20]), frames(['whole', 20])], 25)).toMatchObject({
      found: 'tff',
      mixed: true,
    });
    expect(decideFields('tff', [frames(['tff', 20])], 25).mixed).toBe(false);
  });

  it('finds pulldown whatever the tag says', () => {
    const cycle = frames(['whole', 1], ['bff', 2], ['whole', 2]);
    const spot = Array.from({ length: 5 }, () => cycle).flat();
    for (const tagged of ['tff', 'bff', 'progressive', 'unknown'] as const) {
      expect(decideFields(tagged, [[], spot], 30000 / 1001)).toMatchObject({
        found: 'telecine',
        topFieldFirst: false,
      });
    }
    expect(decideFields('bff', [spot], 25).found).toBe('bff');
  });
});

describe('findPulldown', () => {
  const repeat = (cycle: readonly FrameVerdict[], times: number): FrameVerdict[] =>
    Array.from({ length: times }, () => cycle).flat();

  it.each([
    ['2:3', repeat(['whole', 'whole', 'tff', 'tff', 'whole'], 5), 2],
    ['2:3 with gaps', repeat(['whole', 'open', 'tff', 'tff', 'whole'], 5), 2],
    ['2:3:3:2', repeat(['whole', 'whole', 'tff', 'whole', 'whole'], 5), 1],
    ['interlaced', repeat(['tff'], 25), null],
    ['progressive', repeat(['whole'], 25), null],
    ['another rhythm', repeat(['whole', 'tff', 'tff', 'whole'], 6), null],
    ['too short', repeat(['whole', 'whole', 'tff', 'tff', 'whole'], 1), null],
  ])('%s', (_, verdicts, woven) => {
    expect(findPulldown([verdicts], 30)?.woven ?? null).toBe(woven);
  });
});

describe('chooseSpots', () => {
  const { scan } = makeVideo();
  it.each([
    ['SD', 'progressive', { height: 576 }, 3],
    ['short SD', 'progressive', { height: 576, seconds: 3 }, 1],
    ['1080 lines', 'progressive', { height: 1080 }, 3],
    ['damaged', 'tff', { height: 576, scan: { ...scan, complete: false } }, 1],
    ['720 lines', 'progressive', { height: 720 }, null],
    ['720 lines that say they are interlaced', 'tff', { height: 720 }, 3],
    ['tiny', 'unknown', { height: 144 }, null],
    ['a single frame', 'tff', { height: 576, scan: { ...scan, frames: 1 } }, null],
  ] as const)('%s', (_, tagged, facts, spots) => {
    expect(chooseSpots(tagged, { scan, seconds: 60, ...facts })?.spots.length ?? null).toBe(spots);
  });
});
