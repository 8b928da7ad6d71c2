import { describe, expect, it } from 'vitest';
import type { Color } from '../../src/core/color.ts';
import { resolveColor } from '../../src/decode/resolve-color.ts';
import type { Source, VideoStream } from '../../src/decode/source.ts';
import { makeSource, makeVideo } from './source-fixture.ts';

const untagged = makeVideo().color;

interface Case {
  readonly name: string;
  readonly video?: Partial<Omit<VideoStream, 'color'>>;
  readonly tags?: Partial<Color>;
  readonly source?: Partial<Source>;
  readonly work?: 'yuv' | 'rgb' | 'gray';
  readonly expected: Partial<Color>;
}

const NTSC = { width: 720, height: 480, frameRate: { num: 30000, den: 1001 } };
const HD = { width: 1920, height: 1080 };

const CASES: readonly Case[] = [
  {
    name: 'PAL',
    expected: {
      range: 'tv',
      primaries: 'bt470bg',
      transfer: 'smpte170m',
      matrix: 'bt470bg',
      chromaLocation: 'left',
    },
  },
  {
    name: 'NTSC',
    video: NTSC,
    expected: { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m', chromaLocation: 'left' },
  },
  { name: 'HD', video: HD, expected: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' } },
  { name: 'small and 25 a second', video: { width: 352, height: 240 }, expected: { matrix: 'bt470bg' } },
  {
    name: 'SD that says BT.709',
    video: NTSC,
    tags: { matrix: 'bt709' },
    expected: { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709' },
  },
  {
    name: 'HD that says BT.601',
    video: { ...HD, frameRate: { num: 30, den: 1 } },
    tags: { matrix: 'smpte170m' },
    expected: { matrix: 'smpte170m', primaries: 'smpte170m' },
  },
  {
    name: 'tags win',
    video: HD,
    tags: { matrix: 'fcc', primaries: 'bt470m', transfer: 'gamma22', range: 'pc', chromaLocation: 'topleft' },
    expected: {
      matrix: 'fcc',
      primaries: 'bt470m',
      transfer: 'gamma22',
      range: 'pc',
      chromaLocation: 'topleft',
    },
  },
  {
    name: 'PQ without the rest',
    video: { ...HD, pixelFormat: 'yuv420p10le' },
    tags: { transfer: 'smpte2084' },
    expected: { primaries: 'bt2020', transfer: 'smpte2084', matrix: 'bt2020nc' },
  },
  {
    name: 'BT.2020 4:2:0 without a chroma location',
    video: { ...HD, pixelFormat: 'yuv420p10le' },
    tags: { primaries: 'bt2020', transfer: 'arib-std-b67', matrix: 'bt2020nc' },
    expected: { chromaLocation: 'topleft' },
  },
  {
    name: 'Dolby Vision profile 5',
    video: { ...HD, pixelFormat: 'yuv420p10le', hdr: { dolbyVisionProfile: 5 } },
    expected: { primaries: 'bt2020', transfer: 'smpte2084', matrix: 'bt2020nc' },
  },
  { name: 'full range by format', video: { pixelFormat: 'yuvj420p' }, expected: { range: 'pc' } },
  {
    name: 'motion JPEG',
    video: { codec: 'mjpeg', pixelFormat: 'yuvj420p' },
    expected: { range: 'pc', chromaLocation: 'center' },
  },
  {
    name: 'a JPEG picture',
    video: { codec: 'mjpeg', pixelFormat: 'yuvj420p', frameRate: null },
    source: { kind: 'image' },
    expected: { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'bt470bg', range: 'pc' },
  },
  {
    name: 'DV PAL',
    video: { codec: 'dvvideo' },
    expected: { chromaLocation: 'topleft' },
  },
  {
    name: 'DV NTSC',
    video: { ...NTSC, codec: 'dvvideo', pixelFormat: 'yuv411p' },
    expected: { chromaLocation: 'left' },
  },
  {
    name: 'MPEG-1',
    video: { codec: 'mpeg1video', width: 352, height: 288 },
    expected: { chromaLocation: 'center' },
  },
  {
    name: 'RGB kept',
    video: { pixelFormat: 'gbrp' },
    tags: { matrix: 'gbr', range: 'pc' },
    work: 'rgb',
    expected: {
      range: 'pc',
      matrix: 'gbr',
      primaries: 'bt709',
      transfer: 'iec61966-2-1',
      chromaLocation: 'left',
    },
  },
  {
    name: 'RGB that becomes YUV',
    video: { pixelFormat: 'rgb24' },
    tags: { matrix: 'gbr', range: 'pc' },
    expected: { range: 'tv', matrix: 'bt709' },
  },
  {
    name: 'YUV that becomes RGB',
    work: 'rgb',
    expected: { range: 'pc', matrix: 'gbr', primaries: 'bt470bg' },
  },
  { name: 'gray', video: { pixelFormat: 'gray' }, expected: { range: 'pc' } },
  { name: 'turned by a quarter', video: { rotation: 90 }, expected: { chromaLocation: 'top' } },
  { name: 'turned by three quarters', video: { rotation: 270 }, expected: { chromaLocation: 'bottom' } },
  { name: 'turned by half', video: { rotation: 180 }, expected: { chromaLocation: 'center' } },
];

describe('resolveColor', () => {
  it.each(CASES)('$name', ({ video, tags, source, work, expected }) => {
    const input = makeSource({ ...video, color: { ...untagged, ...tags } }, source);
    const { color } = resolveColor(input, work ?? 'yuv');
    expect(color).toMatchObject(expected);
    expect(Object.values(color)).not.toContain('unknown');
  });

  it('says what it assumed', () => {
    expect(resolveColor(makeSource(), 'yuv').decisions[0]?.reason).toContain('matrix bt470bg');
    const tagged: Color = { ...resolveColor(makeSource(), 'yuv').color };
    expect(resolveColor(makeSource({ color: tagged }), 'yuv').decisions[0]?.reason).toBe(
      'as the source is tagged',
    );
  });
});
