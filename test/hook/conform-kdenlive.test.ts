import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readMlt } from '../../src/hook/conform/mlt.ts';
import { readProperty } from '../../src/hook/conform/mlt-clips.ts';
import type { MediaFacts } from '../../src/hook/conform/timeline.ts';
import { parseXml, readAttribute, walkXml, type XmlElement } from '../../src/hook/conform/xml-tree.ts';
import { rewriteTimeline } from './rewrite-timeline.ts';

const FILM: MediaFacts = {
  ...{
    path: '/media/film.mp4',
    frames: 300,
    frameRate: { num: 25, den: 1 },
    startFrame: 0,
    dropFrame: false,
  },
  ...{ reel: null, width: 640, height: 480, displayWidth: 640, displayHeight: 480 },
  ...{ videoIndex: 0, audioIndices: [1] },
};

describe('a project of Kdenlive', () => {
  const text = readFileSync(fileURLToPath(new URL('timelines/edit.kdenlive', import.meta.url)), 'utf8');
  const timeline = readMlt(text, parseXml(text, 'edit'), 'edit.kdenlive');
  const written = rewriteTimeline(timeline, new Map([['film.mp4', FILM]]), 5, { width: 1440, height: 1080 });
  const root = parseXml(written.text, 'new');
  const producers = new Map(
    [...walkXml(root)]
      .filter(({ name }) => name === 'producer')
      .map((entry) => [readAttribute(entry, 'id'), entry]),
  );
  const entriesOf = (id: string): XmlElement[] =>
    [...walkXml(root)]
      .filter((entry) => entry.name === 'playlist' && readAttribute(entry, 'id') === id)
      .flatMap(({ children }) => children.filter(({ name }) => name === 'entry'));
  const playedBy = (entry: XmlElement): XmlElement | undefined =>
    producers.get(readAttribute(entry, 'producer'));

  // Kdenlive 22.12 plays what the bin has under the number of a clip, whatever the clip's own producer says.
  it('has a clip of its own in the bin for each piece, under the number that its clips on the timeline have', () => {
    const bin = entriesOf('main_bin').map((entry) => {
      const producer = playedBy(entry);
      return producer === undefined
        ? []
        : [readProperty(producer, 'kdenlive:id'), readProperty(producer, 'resource')];
    });
    expect(bin).toEqual([
      ['3', '../new/film.15.mov'],
      ['4', '../new/film.195.mov'],
    ]);
    const shown = entriesOf('playlist2').map((entry) => {
      const producer = playedBy(entry);
      const number = readProperty(entry, 'kdenlive:id');
      expect(producer === undefined ? null : readProperty(producer, 'kdenlive:id')).toBe(number);
      return [number, readAttribute(entry, 'in'), readAttribute(entry, 'out')];
    });
    expect(shown).toEqual([
      ['3', '5', '29'],
      ['4', '5', '29'],
    ]);
  });

  it('moves markers with the media, and forgets what names the old file', () => {
    const markers = entriesOf('main_bin').map((entry) => {
      const producer = playedBy(entry);
      return producer === undefined
        ? null
        : (JSON.parse(readProperty(producer, 'kdenlive:markers') ?? '') as unknown);
    });
    expect(markers).toEqual([[], [{ comment: 'look & see', pos: 15, type: 1 }]]);
    expect(written.text).not.toMatch(/c0ffee|control_uuid/);
  });
});
