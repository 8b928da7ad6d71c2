import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlanDecodeOptions } from '../../src/decode/plan-decode.ts';
import { planDecode } from '../../src/decode/plan-decode.ts';
import { resolveColor } from '../../src/decode/resolve-color.ts';
import type { Source, VideoStream } from '../../src/decode/source.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { decode, makeClip, makeSegment } from './decoder-fixture.ts';
import { makeFields, makeSource, makeVideo } from './source-fixture.ts';

function plan(source: Source, options: Partial<PlanDecodeOptions> = {}): ReturnType<typeof planDecode> {
  const { color } = resolveColor(source, 'yuv');
  return planDecode(source, { deinterlace: 'auto', format: 'yuv420p', color, ...options });
}

describe('planDecode: fields', () => {
  it.each([
    ['progressive', 'auto', [], 1],
    ['unknown', 'auto', [], 1],
    ['tff', 'auto', ['bwdif=mode=send_field:parity=tff:deint=all'], 2],
    ['bff', 'auto', ['bwdif=mode=send_field:parity=bff:deint=all'], 2],
    ['tff', 'frame', ['bwdif=mode=send_frame:parity=tff:deint=all'], 1],
    ['bff', 'field', ['bwdif=mode=send_field:parity=bff:deint=all'], 2],
    ['bff', 'off', [], 1],
    ['progressive', 'field', ['bwdif=mode=send_field:parity=tff:deint=all'], 2],
    ['telecine', 'field', ['bwdif=mode=send_field:parity=tff:deint=all'], 2],
    ['telecine', 'off', [], 1],
  ] as const)('%s with %s', (found, deinterlace, filters, framesPerInput) => {
    const result = plan(makeSource({ fields: makeFields(found) }), { deinterlace });
    expect(result.plan.filters.filter((filter) => filter.startsWith('bwdif'))).toEqual(filters);
    expect(result.plan.framesPerInput).toBe(framesPerInput);
    expect(result.plan.filterMargin > 0).toBe(filters.length > 0);
    expect(result.plan.timeBase).toEqual({ num: 1, den: 12800 * framesPerInput });
    expect(result.decisions[0]?.topic).toBe('fields');
  });

  it('restores film, and decodes from the start for it', () => {
    const { plan: film } = plan(makeSource({ fields: makeFields('telecine') }));
    expect(film.filters[0]).toBe('fieldmatch=order=tff:combmatch=full');
    expect(film).toMatchObject({ framesPerInput: 1, seek: 'start' });
    const deep = plan(makeSource({ fields: makeFields('telecine'), pixelFormat: 'yuv422p10le' }), {
      format: 'yuv422p10le',
    });
    expect(deep.plan.filters[0]).toBe('bwdif=mode=send_frame:parity=tff:deint=all');
    expect(deep.decisions[0]?.reason).toContain('yuv422p10le');
  });

  it('unpacks before and converts after the fields are apart', () => {
    const source = makeSource({ fields: makeFields('tff'), pixelFormat: 'uyvy422' });
    const { filters } = plan(source, { format: 'yuv422p' }).plan;
    expect(filters.map((filter) => filter.split('=')[0])).toEqual(['format', 'bwdif', 'scale', 'format']);
    expect(filters[0]).toBe('format=yuv422p');
  });

  it.each([
    ['tff', 'off', 'interlaced-kept'],
    ['telecine', 'off', 'interlaced-kept'],
    ['progressive', 'field', 'progressive-deinterlaced'],
    ['progressive', 'off', undefined],
    ['tff', 'auto', undefined],
  ] as const)('%s with %s: %s', (found, deinterlace, code) => {
    const { notices } = plan(makeSource({ fields: makeFields(found) }), { deinterlace });
    expect(notices[0]?.code).toBe(code);
  });
});

describe('planDecode: geometry and format', () => {
  it.each([
    [0, false, []],
    [90, false, ['transpose=clock']],
    [180, false, ['hflip', 'vflip']],
    [270, false, ['transpose=cclock']],
    [0, true, ['hflip']],
    [90, true, ['transpose=clock', 'hflip']],
  ] as const)('turned by %i, mirrored %s', (rotation, mirrored, filters) => {
    const { plan: turned, decisions } = plan(makeSource({ rotation, mirrored }));
    expect(turned.filters.filter((filter) => /transpose|flip/.test(filter))).toEqual(filters);
    const [width, height] = rotation === 90 || rotation === 270 ? [576, 720] : [720, 576];
    expect(turned).toMatchObject({ width, height });
    expect(turned.filters.some((filter) => filter.startsWith(`scale=${width}:${height}:`))).toBe(true);
    expect(turned.inputOptions).toContain('-noautorotate');
    expect(decisions.some(({ topic }) => topic === 'rotation')).toBe(filters.length > 0);
  });

  it('gives 4:2:2 full chroma before a turn by a quarter', () => {
    const source = makeSource({ rotation: 90, pixelFormat: 'yuv422p10le' });
    const { filters } = plan(source, { format: 'yuv444p10le' }).plan;
    expect(filters.slice(1, 3)).toEqual(['format=yuv444p10le', 'transpose=clock']);
  });

  it.each([
    ['yuv420p', {}, 'yuv420p', 'in_range=tv:out_range=tv', 'format=yuv420p'],
    ['yuvj420p', {}, 'yuv420p', 'in_range=pc:out_range=pc', 'format=yuv420p|yuvj420p'],
    ['rgb24', {}, 'yuv444p', 'out_color_matrix=bt709:out_range=tv', 'format=yuv444p'],
    [
      'yuv420p',
      { width: 1920, height: 1080 },
      'gbrp',
      'in_color_matrix=bt709:in_range=tv:out_range=pc',
      'format=gbrp',
    ],
    ['yuv420p', {}, 'gbrp', 'in_color_matrix=bt470:in_range=tv:out_range=pc', 'format=gbrp'],
  ])('%s with %o as %s', (name, video, format, scaling, last) => {
    const source = makeSource({ ...video, pixelFormat: name });
    const { color } = resolveColor(source, format.startsWith('gbr') ? 'rgb' : 'yuv');
    const { filters } = plan(source, { format, color }).plan;
    expect(filters.at(-2)).toContain(scaling);
    expect(filters.at(-1)).toBe(last);
  });
});

describe('planDecode: seeking', () => {
  const { scan } = makeVideo();
  const container = (format: string): Partial<Source> => ({
    container: { format, startTime: 0, duration: 4, bitRate: null, tags: {} },
  });
  const intra = { ...scan, intraOnly: true };
  it.each<[string, Partial<VideoStream>, Partial<Source>, 'keyframe' | 'start']>([
    ['MP4', {}, {}, 'keyframe'],
    ['Matroska', {}, container('matroska,webm'), 'keyframe'],
    ['a transport stream', {}, container('mpegts'), 'start'],
    ['AVI with predicted frames', {}, container('avi'), 'start'],
    ['AVI of whole pictures', { codec: 'mjpeg', scan: intra }, container('avi'), 'keyframe'],
    ['MXF of whole pictures', { codec: 'mpeg2video', scan: intra }, container('mxf'), 'keyframe'],
    ['a codec not shown to be exact', { codec: 'wmv3' }, {}, 'start'],
    ['a single key frame', { scan: { ...scan, keyframes: [0] } }, {}, 'start'],
    ['missing times', { scan: { ...scan, missingPts: 1 } }, {}, 'start'],
    ['doubled times', { scan: { ...scan, duplicatePts: 1 } }, {}, 'start'],
    ['damage', { scan: { ...scan, complete: false } }, {}, 'start'],
    ['a clock that jumps', {}, { discontinuous: true }, 'start'],
    ['pulldown', { fields: makeFields('telecine') }, {}, 'start'],
    ['fields', { fields: makeFields('tff') }, {}, 'keyframe'],
    ['pictures', { scan: intra }, { kind: 'image-sequence' }, 'start'],
  ])('%s', (_, video, changes, seek) => {
    const { plan: planned } = plan(makeSource(video, changes));
    expect(planned.seek).toBe(seek);
    expect(planned.copyTimestamps).toBe(changes.discontinuous !== true);
  });
});

describe('planDecode: frames that come out', async () => {
  const toolSets = await findToolSets();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'upreel-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe.each(toolSets)('%s', (version, tools) => {
    it.each(
      [1, 2, 3, 7].flatMap((count) =>
        (
          [
            ['tff', 'field', 96],
            ['bff', 'frame', 98],
            ['telecine', 'auto', 96],
          ] as const
        ).map(([found, deinterlace, height]) => ({ count, found, deinterlace, height })),
      ),
    )('$count frames, $found, $deinterlace', async ({ count, found, deinterlace, height }) => {
      const clip = await makeClip(
        tools,
        path.join(folder, `${version}-${found}-${String(count)}.mkv`),
        ['-frames:v', String(count), '-pix_fmt', 'yuv420p', '-c:v', 'ffv1'],
        `testsrc2=size=96x${String(height)}:rate=30000/1001`,
      );
      const source = makeSource(
        {
          ...{ width: 96, height, fields: makeFields(found), timeBase: { num: 1, den: 1000 } },
          ...{ frameRate: { num: 30000, den: 1001 }, scan: { ...makeVideo().scan, frames: count } },
        },
        { path: clip },
      );
      const { plan: planned } = plan(source, { deinterlace });
      const { frames, report } = await decode(planned, makeSegment(), { tools });
      expect(frames.length).toBe(count * planned.framesPerInput);
      expect(new Set(frames.map(({ pts }) => pts)).size).toBe(frames.length);
      expect(frames.map(({ pts }) => pts)).toEqual(frames.map(({ pts }) => pts).sort((a, b) => a - b));
      expect(report.complete).toBe(true);
    });
  });
});
