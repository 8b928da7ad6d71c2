import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTimecode, formatTimecode } from '../../src/core/timecode.ts';
import { readEdl } from '../../src/hook/conform/edl.ts';
import { mergeUses } from '../../src/hook/conform/merge-uses.ts';
import { readOtio } from '../../src/hook/conform/otio.ts';
import type { FrameUse, MediaFacts } from '../../src/hook/conform/timeline.ts';
import { rewriteTimeline } from './rewrite-timeline.ts';

const NTSC = { num: 30000, den: 1001 };
const FILM: MediaFacts = {
  path: '/media/film.mov',
  frames: 3000,
  frameRate: NTSC,
  startFrame: 107892, // 01:00:00;00
  dropFrame: true,
  reel: 'A007',
  ...{ width: 720, height: 480, displayWidth: 720, displayHeight: 540, videoIndex: 0, audioIndices: [1] },
};

const EDL = `TITLE: Holiday
FCM: DROP FRAME

001  A007     V     C        01:00:10;00 01:00:12;00 01:00:00;00 01:00:02;00
* FROM CLIP NAME: film.mov
* SOURCE FILE: /media/film.mov
002  A007     V     C        01:00:59;28 01:01:01;02 01:00:02;00 01:00:03;02
* FROM CLIP NAME: film.mov
* SOURCE FILE: /media/film.mov
M2   A007       015.0                01:00:59;28
003  BL       V     C        00:00:00;00 00:00:01;00 01:00:03;02 01:00:04;02
004  A007     A     C        01:00:00;00 01:00:30;00 01:00:00;00 01:00:30;00
* COMMENT THAT NO ONE KNOWS
`;

describe('an EDL', () => {
  const timeline = readEdl(EDL, 'holiday.edl');
  const facts = new Map([['/media/film.mov', FILM]]);

  it('counts drop-frame timecode from the file’s own, and takes half the frames at half the speed', () => {
    expect(timeline.listUses(facts)).toEqual([
      { media: '/media/film.mov', first: 300, end: 360, grid: 1 },
      // 32 frames of the record, and one more for the frame that slow motion ends in.
      { media: '/media/film.mov', first: 1798, end: 1798 + 16 + 1, grid: 1 },
    ]);
  });

  it('is read back with the same timecodes and the new names', () => {
    const { text, pieces } = rewriteTimeline(timeline, facts, 12);
    expect(pieces.map(({ first, end }) => [first, end])).toEqual([
      [288, 372],
      [1786, 1827],
    ]);
    const lines = text.split('\n');
    const before = EDL.split('\n');
    expect(lines.filter((line, i) => line !== before[i])).toEqual([
      '* FROM CLIP NAME: film.288.mov',
      '* SOURCE FILE: /new/film.288.mov',
      '* FROM CLIP NAME: film.1786.mov',
      '* SOURCE FILE: /new/film.1786.mov',
    ]);
    const again = new Map(
      pieces.map((piece) => [
        piece.path,
        {
          ...FILM,
          path: piece.path,
          startFrame: FILM.startFrame + piece.first,
          frames: piece.end - piece.first,
        },
      ]),
    );
    expect(
      readEdl(text, 'new.edl')
        .listUses(again)
        .map(({ first }) => first),
    ).toEqual([12, 12]);
  });

  it('refuses a list whose timecodes the file does not have, and what is no list', () => {
    const other = new Map([['/media/film.mov', { ...FILM, startFrame: 0 }]]);
    expect(() => timeline.listUses(other)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
    expect(() => readEdl('TITLE: none\n', 'x.edl')).toThrow(
      expect.objectContaining({ code: 'SOURCE_UNREADABLE' }) as Error,
    );
  });

  it('follows timecode over midnight, and counts as the list does where the file has no timecode', () => {
    const useOf = (line: string, changes: Partial<MediaFacts>): unknown =>
      readEdl(`001  A007     V     C        ${line} 00:00:00;00 00:00:02;00\n* SOURCE FILE: a\n`, 'x.edl')
        .listUses(new Map([['a', { ...FILM, ...changes }]]))
        .map(({ first, end }) => [first, end]);
    const day = 2589408; // 29.97 drop-frame
    expect(useOf('23:59:59;00 00:00:01;00', { startFrame: day - 100 })).toEqual([[70, 130]]);
    expect(useOf('00:00:01;00 00:00:02;00', { startFrame: day - 100 })).toEqual([[130, 160]]);
    expect(useOf('00:01:00;02 00:01:01;02', { startFrame: 0, dropFrame: false })).toEqual([[1800, 1830]]);
  });

  it('takes both readings of a list that may count pairs of frames, and refuses one that counts more than there are', () => {
    const useOf = (source: string, changes: Partial<MediaFacts>, more = ''): unknown =>
      readEdl(
        `001  A007     V     C        ${source} 00:00:00:00 00:00:01:26\n${more}* SOURCE FILE: a\n`,
        'x.edl',
      )
        .listUses(new Map([['a', { ...FILM, dropFrame: false, ...changes }]]))
        .map(({ first, end }) => [first, end]);
    const fast = { frameRate: { num: 50, den: 1 }, startFrame: 10 * 3600 * 50 };
    // Frame 12 of 25 is frame 24 of 50.
    expect(useOf('10:00:10:12 10:00:12:10', fast)).toEqual([[512, 620]]);
    expect(useOf('10:00:10:12 10:00:12:30', fast)).toEqual([[512, 630]]);
    const slow = { frameRate: { num: 25, den: 1 }, startFrame: 10 * 3600 * 25 };
    expect(useOf('10:00:10:12 10:00:12:10', slow)).toEqual([[262, 310]]);
    const refused = expect.objectContaining({ code: 'USAGE' }) as Error;
    expect(() => useOf('10:00:10:12 10:00:12:30', slow)).toThrow(refused);
    // How long slow motion lasts is counted by the list alone.
    expect(() =>
      useOf('10:00:10:12 10:00:12:10', slow, 'M2   A007       012.5                10:00:10:12\n'),
    ).toThrow(refused);
  });

  it('finds any frame again by its timecode', () => {
    const count = countTimecode(NTSC, true);
    fc.assert(
      fc.property(fc.nat({ max: 2900 }), fc.integer({ min: 1, max: 99 }), (first, length) => {
        const [a, b] = [first, first + length].map((frame) => formatTimecode(FILM.startFrame + frame, count));
        const text = `001  A007     V     C        ${a ?? ''} ${b ?? ''} 01:00:00;00 01:00:03;00\n* SOURCE FILE: /media/film.mov\n`;
        expect(readEdl(text, 'x.edl').listUses(facts)).toEqual([
          { media: '/media/film.mov', first, end: Math.min(3000, first + length), grid: 1 },
        ]);
      }),
    );
  });
});

function time(value: number): object {
  return { OTIO_SCHEMA: 'RationalTime.1', rate: 25.0, value };
}
function range(start: number, duration: number): object {
  return { OTIO_SCHEMA: 'TimeRange.1', start_time: time(start), duration: time(duration) };
}
function clip(name: string, start: number, duration: number, effects: object[] = []): object {
  return {
    OTIO_SCHEMA: 'Clip.2',
    name,
    source_range: range(start, duration),
    effects,
    media_references: {
      DEFAULT_MEDIA: {
        OTIO_SCHEMA: 'ExternalReference.1',
        target_url: 'file:///media/a%20film.mov',
        available_range: range(90000, 500),
        metadata: { odd: 1e300 },
      },
    },
    active_media_reference_key: 'DEFAULT_MEDIA',
  };
}
const OTIO = JSON.stringify(
  {
    OTIO_SCHEMA: 'Timeline.1',
    tracks: {
      OTIO_SCHEMA: 'Stack.1',
      children: [
        {
          OTIO_SCHEMA: 'Track.1',
          children: [
            clip('one', 90050, 25),
            { OTIO_SCHEMA: 'Transition.1', in_offset: time(5), out_offset: time(5) },
            clip('two', 90300, 10, [{ OTIO_SCHEMA: 'LinearTimeWarp.1', time_scalar: 2 }]),
            { OTIO_SCHEMA: 'Gap.1', source_range: range(0, 25) },
            {
              OTIO_SCHEMA: 'Clip.2',
              name: 'titles',
              media_references: { DEFAULT_MEDIA: { OTIO_SCHEMA: 'GeneratorReference.1' } },
            },
          ],
        },
      ],
    },
  },
  null,
  4,
).replaceAll('25,', '25.0,');

describe('an OTIO timeline', () => {
  const timeline = readOtio(OTIO, 'holiday.otio');
  const film = {
    ...FILM,
    path: '/media/a film.mov',
    frames: 500,
    frameRate: { num: 25, den: 1 },
    startFrame: 90000,
    dropFrame: false,
  };
  const facts = new Map([['file:///media/a%20film.mov', film]]);

  it('shows frames through transitions and at other speeds', () => {
    expect(timeline.listUses(facts).map(({ first, end }) => [first, end])).toEqual([
      [50, 80],
      [290, 320],
    ]);
  });

  it('is read back at the same frames, and stays to the byte elsewhere', () => {
    const { text, kept, pieces } = rewriteTimeline(timeline, facts, 10);
    expect(pieces.map(({ first, end }) => [first, end])).toEqual([
      [40, 90],
      [280, 330],
    ]);
    const before = OTIO.split('\n');
    const changed = text.split('\n').filter((line, i) => line !== before[i]);
    expect(changed.map((line) => line.trim())).toEqual([
      ...['"target_url": "file:///new/a%20film.40.mov",', '"value": 90040.0', '"value": 50.0'],
      ...['"target_url": "file:///new/a%20film.280.mov",', '"value": 90280.0', '"value": 50.0'],
    ]);
    expect(kept).toEqual([expect.stringContaining('titles')]);
    const again = new Map<string, MediaFacts>(
      pieces.map((piece) => [
        pathToFileURL(piece.path).href,
        { ...film, path: piece.path, frames: piece.end - piece.first, startFrame: 90000 + piece.first },
      ]),
    );
    const shift = (use: FrameUse): number =>
      use.first + (pieces.find(({ path }) => use.media === pathToFileURL(path).href)?.first ?? 0);
    expect(readOtio(text, 'new.otio').listUses(again).map(shift)).toEqual([50, 290]);
  });

  it('follows timecode over midnight', () => {
    const day = 86400 * 25;
    const late = (name: string, start: number): object => {
      const made = clip(name, start, 25) as {
        media_references: { DEFAULT_MEDIA: { available_range: object } };
      };
      made.media_references.DEFAULT_MEDIA.available_range = range(day - 100, 500);
      return made;
    };
    const text = JSON.stringify({
      OTIO_SCHEMA: 'Track.1',
      children: [late('evening', day - 50), late('morning', 25), late('counted on', day + 50)],
    });
    const midnight = new Map([['file:///media/a%20film.mov', { ...film, startFrame: day - 100 }]]);
    const uses = readOtio(text, 'x.otio').listUses(midnight);
    expect(uses.map(({ first, end }) => [first, end])).toEqual([
      [50, 75],
      [125, 150],
      [150, 175],
    ]);
  });

  it('refuses what is no timeline', () => {
    for (const text of ['{', '{}', '[]']) {
      expect(() => readOtio(text, 'x.otio')).toThrow(
        expect.objectContaining({ code: 'SOURCE_UNREADABLE' }) as Error,
      );
    }
  });
});

describe('mergeUses', () => {
  const facts = new Map([['m', FILM]]);

  it('covers every use with its handles, each frame once, and begins on the grid', () => {
    const use = fc
      .tuple(fc.nat({ max: 2990 }), fc.integer({ min: 1, max: 400 }), fc.constantFrom(1, 2, 3))
      .map(([first, length, grid]): FrameUse => ({
        media: 'm',
        first,
        end: Math.min(3000, first + length),
        grid,
      }));
    fc.assert(
      fc.property(fc.array(use, { minLength: 1, maxLength: 20 }), fc.nat({ max: 30 }), (uses, handles) => {
        const spans = mergeUses(uses, facts, { handles, uncut: new Set() });
        for (const { first, end, grid } of uses) {
          const home = spans.find((span) => span.first <= first && end <= span.end);
          expect(home?.first).toBeLessThanOrEqual(Math.max(0, first - handles));
          expect(home?.end).toBeGreaterThanOrEqual(Math.min(3000, end + handles));
          expect((home?.first ?? 0) % (grid ?? 1)).toBe(0);
        }
        spans.slice(1).forEach((span, i) => expect(span.first).toBeGreaterThan(spans[i]?.end ?? 0));
      }),
    );
  });
});
