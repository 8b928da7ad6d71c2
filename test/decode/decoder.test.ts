import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rescale } from '../../src/core/rational.ts';
import type { DecodePlan } from '../../src/decode/decode-plan.ts';
import { openDecoder } from '../../src/decode/decoder.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { decode, makeClip, makePlan, makeSegment, readPackets, TEST_PICTURE } from './decoder-fixture.ts';

const TOOL_SETS = await findToolSets();
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-decoder-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '20'];
const X264_B = [...X264, '-bf', '3', '-x264-params', 'b-adapt=0'];
/** Uneven distances between frames. */
const UNEVEN = [`-vf`, 'select=not(eq(mod(n\\,7)\\,3)+eq(mod(n\\,11)\\,5))', '-vsync', 'passthrough'];
const SEND_FIELD = ['bwdif=mode=send_field:parity=tff:deint=all'];

interface Clip {
  readonly name: string;
  readonly options: readonly string[];
  readonly graph?: string;
  readonly plan?: Partial<DecodePlan>;
}

const CLIPS: readonly Clip[] = [
  { name: 'b-frames.mp4', options: X264_B },
  { name: 'open-gop.mp4', options: [...X264_B, '-x264-params', 'open-gop=1:b-adapt=0:keyint=20'] },
  { name: 'uneven.mp4', options: [...X264_B, ...UNEVEN] },
  { name: 'uneven.mkv', options: [...X264_B, ...UNEVEN] },
  { name: 'late.mkv', options: [...X264_B, '-output_ts_offset', '7.48'] },
  { name: 'b-frames.mov', options: X264_B },
  { name: 'mpeg2.mkv', options: ['-c:v', 'mpeg2video', '-g', '12', '-bf', '2', '-b:v', '1M'] },
  { name: 'motion-jpeg.avi', options: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'] },
  {
    name: 'dv.avi',
    options: ['-c:v', 'dvvideo'],
    graph: 'testsrc2=size=720x576:rate=25:duration=1.4,format=yuv420p',
    plan: { width: 720, height: 576 },
  },
  {
    name: 'fields.mp4',
    options: [...X264_B, '-flags', '+ildct+ilme'],
    plan: { filters: SEND_FIELD, framesPerInput: 2, filterMargin: 2 },
  },
];

describe.each(TOOL_SETS)('openDecoder with ffmpeg %s', (label, tools) => {
  it.each(CLIPS)('gives the same frames of $name from a seek as from the start', async (clip) => {
    const file = await makeClip(
      tools,
      path.join(directory, `${label}-${clip.name}`),
      clip.options,
      clip.graph,
    );
    const { timeBase: fileBase, keyframes, packets } = await readPackets(tools, file);
    const perInput = clip.plan?.framesPerInput ?? 1;
    const timeBase = { num: fileBase.num, den: fileBase.den * perInput };
    const plan = makePlan(file, { timeBase, ...clip.plan });
    const straight = await decode(plan, makeSegment(), { tools, arena: new Arena(16 << 20) });
    expect(straight.frames).toHaveLength(packets * perInput);
    expect(straight.report).toMatchObject({ complaints: [], complete: true });
    const times = straight.frames.map((frame) => frame.pts);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));

    const lead = 2;
    const tail = 2;
    for (const share of [0.3, 0.55, 0.8]) {
      const first = Math.floor(straight.frames.length * share);
      const last = Math.min(first + 9, straight.frames.length);
      const startPts = times[first] ?? 0;
      const endPts = times[last] ?? null;
      const least = times[first - lead - (plan.filterMargin + 1) * perInput] ?? 0;
      const seekPts =
        keyframes
          .map((pts) => rescale(pts, fileBase, timeBase))
          .filter((pts) => pts <= least)
          .at(-1) ?? null;
      const arena = new Arena(16 << 20);
      const segment = makeSegment({ index: 1, startPts, endPts, seekPts });
      const part = await decode(plan, segment, { tools, arena, leadFrames: lead, tailFrames: tail });
      const roles = straight.frames
        .map((frame, i) => ({ ...frame, role: i < first ? 'lead' : i < last ? 'body' : 'tail' }))
        .slice(first - lead, last + (endPts === null ? 0 : tail));
      expect(part.frames).toEqual(roles);
      expect(part.report.bodyPts).toEqual(times.slice(first, last));
      expect(part.report.complete).toBe(true);
    }
  });

  it('goes back further when a seek lands too late, and to the start at last', async () => {
    const file = await makeClip(tools, path.join(directory, `${label}-late-seek.mp4`), X264_B);
    const { timeBase } = await readPackets(tools, file);
    const plan = makePlan(file, { timeBase });
    const straight = await decode(plan, makeSegment(), { tools });
    const startPts = straight.frames[45]?.pts ?? 0;
    for (const seekPts of [startPts, startPts + 512 * 20, startPts + 512 * 1000]) {
      const segment = makeSegment({ index: 1, startPts, seekPts });
      const part = await decode(plan, segment, { tools, leadFrames: 3 });
      expect(part.frames.map(({ pts, hash }) => ({ pts, hash }))).toEqual(
        straight.frames.slice(42).map(({ pts, hash }) => ({ pts, hash })),
      );
    }
  });

  it('keeps times below zero', async () => {
    const file = await makeClip(tools, path.join(directory, `${label}-negative.mkv`), X264);
    const plan = makePlan(file, { inputOptions: ['-itsoffset', '-30'], timeBase: { num: 1, den: 1000 } });
    const { frames } = await decode(plan, makeSegment(), { tools });
    expect(frames).toHaveLength(100);
    expect(frames.map((frame) => frame.pts)).toEqual(frames.map((_, i) => i * 40 - 30_000));
  });

  it('decodes what is left of a truncated file and says that it ended early', async () => {
    const file = await makeClip(tools, path.join(directory, `${label}-whole.mkv`), X264);
    const cut = path.join(directory, `${label}-cut.mkv`);
    const data = await readFile(file);
    await writeFile(cut, data.subarray(0, Math.floor(data.length * 0.6)));
    const { frames, report } = await decode(
      makePlan(cut, { timeBase: { num: 1, den: 1000 } }),
      makeSegment(),
      {
        tools,
      },
    );
    expect(frames.length).toBeGreaterThan(30);
    expect(frames.length).toBeLessThan(100);
    expect(report.bodyPts).toHaveLength(frames.length);
  });

  it('names a damaged source when not one frame decodes, and a plan that ffmpeg cannot run', async () => {
    const file = path.join(directory, `${label}-noise.mp4`);
    await writeFile(file, Buffer.alloc(5000, 7));
    await expect(decode(makePlan(file, {}), makeSegment(), { tools })).rejects.toMatchObject({
      code: 'SOURCE_DAMAGED',
    });
    const clip = await makeClip(tools, path.join(directory, `${label}-plan.mp4`), X264);
    const plan = makePlan(clip, { filters: ['no_such_filter'] });
    await expect(decode(plan, makeSegment(), { tools })).rejects.toMatchObject({ code: 'DECODER_FAILED' });
  });

  it('refuses frames of another size than the plan says', async () => {
    const clip = await makeClip(tools, path.join(directory, `${label}-size.mp4`), X264);
    await expect(decode(makePlan(clip, { width: 64 }), makeSegment(), { tools })).rejects.toMatchObject({
      code: 'DECODER_FAILED',
    });
  });
});

describe('openDecoder', () => {
  const [, tools] = TOOL_SETS[TOOL_SETS.length - 1] ?? [];
  if (tools === undefined) throw new Error('no ffmpeg');
  const endless = (changes: Partial<DecodePlan> = {}): DecodePlan =>
    makePlan(TEST_PICTURE.replace(':duration=4', ''), {
      inputOptions: ['-f', 'lavfi'],
      copyTimestamps: false,
      seek: 'start',
      ...changes,
    });

  it('decodes no further than it is asked for, and cleans up when the consumer leaves', async () => {
    const arena = new Arena(1 << 20);
    const decoder = openDecoder(endless(), makeSegment(), { arena, tools, leadFrames: 0, tailFrames: 0 });
    let seen = 0;
    for await (const { frame } of decoder.frames()) {
      expect(arena.usedBytes).toBe(frame.byteLength);
      frame.dispose();
      if (++seen === 3) break;
    }
    expect(arena.usedBytes).toBe(0);
  });

  it('frees lead frames that the consumer did not take', async () => {
    const arena = new Arena(1 << 20);
    const segment = makeSegment({ index: 1, startPts: 10 });
    const decoder = openDecoder(endless(), segment, { arena, tools, leadFrames: 4, tailFrames: 0 });
    for await (const { frame, role } of decoder.frames()) {
      expect(role).toBe('lead');
      frame.dispose();
      break;
    }
    expect(arena.usedBytes).toBe(0);
  });

  it('ends with ABORTED when it is told to stop', async () => {
    const stop = new AbortController();
    const arena = new Arena(1 << 20);
    const options = { arena, tools, leadFrames: 0, tailFrames: 0, signal: stop.signal };
    const run = async (): Promise<void> => {
      let seen = 0;
      for await (const { frame } of openDecoder(endless(), makeSegment(), options).frames()) {
        frame.dispose();
        if (++seen === 5) stop.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(arena.usedBytes).toBe(0);
  });
});
