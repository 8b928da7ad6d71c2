import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { rational } from '../../src/core/rational.ts';
import { probe } from '../../src/decode/probe.ts';
import { readFcpxml } from '../../src/hook/conform/fcpxml.ts';
import { mapSpan, parseTime } from '../../src/hook/conform/fcpxml-time.ts';
import { planConform } from '../../src/hook/conform/plan-conform.ts';
import { toMediaFacts } from '../../src/hook/conform/read-facts.ts';
import { runConform } from '../../src/hook/conform/run-conform.ts';
import type { MediaFacts, Timeline } from '../../src/hook/conform/timeline.ts';
import { parseXml, walkXml, type XmlElement } from '../../src/hook/conform/xml-tree.ts';
import { upscale } from '../../src/index.ts';
import { ffmpeg, makeFolder, tools } from '../pipeline/clip-fixture.ts';
import { findFaults } from './fcpxml-rules.ts';
import { rewriteTimeline } from './rewrite-timeline.ts';

const folder = await makeFolder();
afterAll(folder.remove);
const UHD = { width: 3840, height: 2160 };
const SLOW = 600_000;

function readExample(name: string): string {
  return readFileSync(fileURLToPath(new URL(`timelines/${name}.fcpxml`, import.meta.url)), 'utf8');
}
function read(text: string): Timeline {
  return readFcpxml(text, parseXml(text, 'film.fcpxml'), 'film.fcpxml');
}
function findAll(text: string, name: string): XmlElement[] {
  return [...walkXml(parseXml(text, 'film.fcpxml'))].filter((element) => element.name === name);
}
const attribute = (element: XmlElement | undefined, name: string): string | undefined =>
  element?.attributes.get(name)?.value;

function media(path: string, changes: Partial<MediaFacts>): MediaFacts {
  return {
    ...{
      path,
      frames: 600,
      frameRate: { num: 30000, den: 1001 },
      startFrame: 0,
      dropFrame: false,
      reel: null,
    },
    ...{ width: 1280, height: 720, displayWidth: 1280, displayHeight: 720, videoIndex: 0, audioIndices: [1] },
    ...changes,
  };
}
function seconds(text: string | undefined): number {
  const time = parseTime(text);
  return time === null ? NaN : time.num / time.den;
}
const BEACH = 'file:///Volumes/Tapes/beach%20day.mov';
const STREET = './street.mp4';

describe('a timeline of Final Cut Pro', () => {
  const text = readExample('final-cut');
  const facts = new Map([
    [
      BEACH,
      media('/tapes/beach day.mov', {
        startFrame: 108000,
        width: 720,
        height: 480,
        displayWidth: 872,
        displayHeight: 480,
      }),
    ],
    [STREET, media('/tapes/street.mp4', { frames: 300 })],
  ]);
  const timeline = read(text);
  const written = rewriteTimeline(timeline, facts, 12, UHD);
  const lines = written.text.split('\n');

  it('follows the rules of the document type, before as after', () => {
    expect(findFaults(parseXml(text, 'before'))).toEqual([]);
    expect(findFaults(parseXml(written.text, 'after'))).toEqual([]);
  });

  it('shows frames through transitions, compound, synchronised and multicam clips, retimes and connected storylines', () => {
    expect(
      timeline
        .listUses(facts)
        .map(({ media: of, first, end }) => [of === BEACH ? 'beach' : 'street', first, end]),
    ).toEqual([
      ['beach', 30, 105],
      ['street', 75, 150],
      ['beach', 300, 330],
      ['beach', 420, 435],
      ['street', 15, 45],
      ['beach', 300, 330],
      ['street', 240, 270],
      ['beach', 540, 570],
    ]);
    expect(timeline.size).toEqual({ width: 1920, height: 1080 });
  });

  it('gives each clip an asset that holds its frames on the same clock', () => {
    const assets = new Map(findAll(written.text, 'asset').map((asset) => [attribute(asset, 'id'), asset]));
    const source = (ref: string | undefined): string | undefined =>
      attribute(
        assets.get(ref)?.children.find(({ name }) => name === 'media-rep'),
        'src',
      );
    const clips =
      findAll(written.text, 'spine')[1]?.children.filter(({ name }) => name === 'asset-clip') ?? [];
    expect(clips.map((clip) => source(attribute(clip, 'ref')))).toEqual([
      pathToFileURL('/new/beach day.18.mov').href,
      'street.63.mov',
      pathToFileURL('/new/beach day.288.mov').href,
      // Switched off: not shown.
      BEACH,
    ]);
    const first = assets.get(attribute(clips[0], 'ref'));
    expect(attribute(first, 'start')).toBe('18021003/5000s'); // 108108/30 s and 18 frames
    expect(attribute(first, 'duration')).toBe('33033/10000s'); // 99 frames
    expect(attribute(first, 'uid')).toBeUndefined();
    expect(first?.children.filter(({ name }) => name === 'media-rep').length).toBe(1);
    // Clips keep their own times.
    const timesOf = (spine: XmlElement | undefined): string[] =>
      (spine?.children ?? []).map((clip) =>
        ['offset', 'start', 'duration'].map((name) => attribute(clip, name)).join(),
      );
    expect(timesOf(findAll(written.text, 'spine')[1])).toEqual(timesOf(findAll(text, 'spine')[1]));
  });

  it('cuts what a compound, synchronised or multicam clip hides to what the new file has, and fills the place', () => {
    const angle = findAll(written.text, 'mc-angle')[1];
    const shape = (element: XmlElement): string =>
      [element.name, ...['offset', 'start', 'duration'].map((name) => attribute(element, name))].join(' ');
    // Frames 228 to 281 of 300; each is 1001/30000 s long.
    expect(angle?.children.map(shape)).toEqual([
      'asset-clip 0s 0s 19019/2500s',
      'asset-clip 19019/2500s 19019/2500s 9009/5000s',
      'asset-clip 47047/5000s 47047/5000s 3003/5000s',
    ]);
    expect(
      angle?.children.map((clip) => [attribute(clip, 'ref') === 'r4', attribute(clip, 'srcEnable')]),
    ).toEqual([
      [true, 'audio'],
      [false, undefined],
      [true, 'audio'],
    ]);
    const video = findAll(written.text, 'video').find((element) => attribute(element, 'start') !== '0s');
    expect(attribute(video, 'offset')).toBe(attribute(video, 'start'));
    // The sound that hangs on it begins with it.
    const [sound] = video?.children ?? [];
    const begin = attribute(video, 'start');
    expect(['offset', 'start'].map((name) => attribute(sound, name))).toEqual([begin, begin]);
  });

  it('ends a retime where the new file ends, on the same line', () => {
    const line = (xml: string): { time: number; value: number }[] =>
      findAll(xml, 'timept').map((point) => ({
        time: seconds(attribute(point, 'time')),
        value: seconds(attribute(point, 'value')),
      }));
    const frame = 1001 / 30000;
    const [from, to] = line(written.text);
    expect(from?.value).toBeCloseTo(3603.6 + 288 * frame, 9);
    expect(to?.value).toBeCloseTo(3603.6 + 342 * frame, 9);
    for (const { time, value } of line(written.text)) expect(time).toBeCloseTo(2 * value, 9);
  });

  it('leaves sound, the browser and what is not shown where they are', () => {
    const originals = findAll(written.text, 'asset-clip').filter((clip) => attribute(clip, 'ref') === 'r4');
    expect(findAll(written.text, 'audio').map((sound) => attribute(sound, 'ref'))).toEqual(['r2']);
    expect(
      originals
        .filter((clip) => attribute(clip, 'srcEnable') === 'audio')
        .map((clip) => attribute(clip, 'name')),
    ).toContain('street, sound');
    // The browser's clip, that of the audition that is not the pick, and what the compound clip does not show.
    expect(originals.filter((clip) => attribute(clip, 'srcEnable') === undefined).length).toBe(3);
    for (const line of [
      ...text.matchAll(/<(?:event|library|gap|marker|text-style|param|md|keyframe time="1081)[^>]*>/g),
    ]) {
      expect(written.text).toContain(line[0]);
    }
    expect(written.kept).toEqual([
      expect.stringContaining('auditions'),
      expect.stringContaining('switched off'),
      expect.stringContaining('Basic Title'),
      expect.stringContaining('Cross Dissolve'),
      expect.stringContaining('Gaussian Blur'),
    ]);
  });

  it('has sequences, compound clips and media of the new size, square and without fields', () => {
    const formats = new Map(
      findAll(written.text, 'format').map((format) => [attribute(format, 'id'), format]),
    );
    for (const sequence of [...findAll(written.text, 'sequence'), ...findAll(written.text, 'multicam')]) {
      const format = formats.get(attribute(sequence, 'format'));
      expect([attribute(format, 'width'), attribute(format, 'height')]).toEqual(['3840', '2160']);
      expect(attribute(format, 'name')).toBe('FFVideoFormat3840x2160p2997');
    }
    const clip = findAll(written.text, 'asset-clip').find(
      (entry) => attribute(entry, 'start') === '108138030/30000s',
    );
    const format = formats.get(attribute(clip, 'format'));
    expect([...(format?.attributes.keys() ?? [])]).toEqual([
      'id',
      'frameDuration',
      'width',
      'height',
      'colorSpace',
    ]);
    // The old ones stay for what still has them.
    expect(lines.some((line) => line.includes('FFVideoFormatDV720x480i5994_16x9'))).toBe(true);
  });

  it('keeps the size of what is shown pixel by pixel', () => {
    // 720 lines in 1080 are 2160 in 2160 now: two thirds.
    const scaled = findAll(written.text, 'asset-clip')
      .flatMap(({ children }) => children)
      .filter((child) => child.name === 'adjust-transform')
      .map((transform) => [
        attribute(transform, 'scale'),
        ...[...walkXml(transform)]
          .filter(({ name }) => name === 'keyframe')
          .map((key) => attribute(key, 'value')),
      ]);
    expect(scaled).toEqual([
      ['1.1 1.1', '0', '12.5'],
      ['0.8 0.8', '0.666667 0.666667', '0.8 0.8'],
    ]);
  });

  it('is read back with the same frames', () => {
    const byFile = new Map<string, MediaFacts>(
      written.pieces.map((piece) => {
        const beach = piece.source.path.includes('beach');
        const name = beach ? pathToFileURL(piece.path).href : piece.path.replace('/new/', '');
        return [
          name,
          {
            ...piece.source,
            path: piece.path,
            startFrame: piece.source.startFrame + piece.first,
            frames: piece.end - piece.first,
          },
        ];
      }),
    );
    const again = read(written.text).listUses(byFile);
    const shifted = again.map((use) => {
      const piece = written.pieces.find(({ path }) => path === byFile.get(use.media)?.path);
      return [use.first + (piece?.first ?? NaN), use.end + (piece?.first ?? NaN)];
    });
    expect(shifted).toEqual(timeline.listUses(facts).map(({ first, end }) => [first, end]));
  });
});

describe('a timeline of DaVinci Resolve', () => {
  it(
    'plays new files at the same timecode, which carry it',
    async () => {
      ffmpeg(
        ...[
          '-f',
          'lavfi',
          '-i',
          'testsrc2=s=72x58:r=25:d=8',
          '-f',
          'lavfi',
          '-i',
          'sine=r=48000:d=8',
          '-vf',
          'setdar=4/3',
        ],
        ...['-c:v', 'libx264', '-c:a', 'pcm_s16le', '-timecode', '10:00:00:00', folder.path('tape.mov')],
      );
      const file = folder.path('resolve.fcpxml');
      writeFileSync(
        file,
        readExample('resolve').replace('width="1920" height="1080"', 'width="192" height="108"'),
      );
      const plan = await planConform(file, {
        request: { scale: 2, model: 'nearest', temporal: 'off', encoder: 'dnxhr-sq' },
        ...{ handles: 5, folders: [folder.path('.')] },
      });
      const result = await runConform(plan, upscale, { overwrite: false });
      expect(result.verified).toBe(true);
      const written = readFileSync(result.output, 'utf8');
      expect(findFaults(parseXml(written, 'after'))).toEqual([]);
      const assets = findAll(written, 'asset');
      expect(assets.map((asset) => attribute(asset, 'name'))).toEqual(['tape.20.mov', 'tape.120.mov']);
      for (const asset of assets) {
        const [representation] = asset.children;
        const facts = toMediaFacts(
          await probe(fileURLToPath(attribute(representation, 'src') ?? ''), { tools }),
        );
        expect(parseTime(attribute(asset, 'start'))).toEqual(rational(facts?.startFrame ?? 0, 25));
        expect(parseTime(attribute(asset, 'duration'))).toEqual({ num: 7, den: 5 });
        expect(facts?.frames).toBe(35);
      }
    },
    SLOW,
  );
});

describe('a timeline of version 1.8', () => {
  const text = readExample('old');
  const facts = new Map([
    ['file:///media/walk.mov', media('/media/walk.mov', { frames: 1000, frameRate: { num: 25, den: 1 } })],
  ]);

  it('takes frames for both readings of a conformed rate, and has its file as an attribute', () => {
    const timeline = read(text);
    expect(timeline.listUses(facts).map(({ first, end }) => [first, end])).toEqual([
      // 10 s or 9.6 s into the file, 3.84 s long.
      [240, 346],
      [500, 550],
    ]);
    const written = rewriteTimeline(timeline, facts, 0, UHD);
    expect(findFaults(parseXml(written.text, 'after'))).toEqual([]);
    expect(findAll(written.text, 'asset').map((asset) => attribute(asset, 'src'))).toEqual([
      'file:///media/walk.mov',
      'file:///new/walk.240.mov',
      'file:///new/walk.500.mov',
      'file:///media/logo.png',
    ]);
    // A picture that keeps its pixels is shown twice as large.
    expect(written.text).toContain('<adjust-transform scale="2 2"/>');
  });

  it('tells what is no timeline, or has no project or size', () => {
    const unreadable = expect.objectContaining({ code: 'SOURCE_UNREADABLE' }) as Error;
    expect(() => read('<fcpxml version="1.8"><resources/></fcpxml>')).toThrow(unreadable);
    expect(() => read(text.replace(/<format id="r1"[^>]*>/, ''))).toThrow(unreadable);
    expect(() => read(text.replace('start="20s"', 'start="90s"')).listUses(facts)).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    );
  });

  it('ends where compound clips hold one another', () => {
    const ring = readExample('final-cut').replace(
      /(<media id="r9"[\s\S]*?<spine>)/,
      '$1<ref-clip ref="r9" offset="0s" start="0s" duration="4s"/><ref-clip ref="r9" offset="0s" start="0s" duration="4s"/>',
    );
    expect(() => read(ring)).toThrow(expect.objectContaining({ code: 'SOURCE_UNREADABLE' }) as Error);
  });
});

describe('times of FCPXML', () => {
  it('are exact', () => {
    expect(parseTime('1001/30000s')).toEqual({ num: 1001, den: 30000 });
    expect([parseTime('5s'), parseTime('2.5s'), parseTime('-0/1s')]).toEqual([
      { num: 5, den: 1 },
      { num: 5, den: 2 },
      { num: 0, den: 1 },
    ]);
    expect([parseTime('1/0s'), parseTime('s'), parseTime('1:00'), parseTime(undefined)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('of a clip with two points of one time are all that the points hold', () => {
    const xml = '<a><timeMap><timept time="5s" value="10s"/><timept time="5s" value="20s"/></timeMap></a>';
    expect(mapSpan(parseXml(xml, 'a'), { from: 4, to: 6 }, 25)).toEqual([{ from: 10, to: 20 }]);
  });

  it('of a retimed clip stay within its points', () => {
    const point = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 2, maxLength: 6 }),
        fc.nat({ max: 90 }),
        fc.integer({ min: 1, max: 30 }),
        (points, from, length) => {
          const xml = `<a><timeMap>${points.map(([time, value]) => `<timept time="${String(time)}s" value="${String(value)}s"/>`).join('')}</timeMap></a>`;
          const [span] = mapSpan(parseXml(xml, 'a'), { from, to: from + length }, 25);
          const values = points.map(([, value]) => value);
          expect(span?.from).toBeGreaterThanOrEqual(Math.min(...values));
          expect(span?.to).toBeLessThanOrEqual(Math.max(...values));
          expect(span?.from).toBeLessThanOrEqual(span?.to ?? NaN);
        },
      ),
    );
  });
});
