import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecodePlan } from '../../src/decode/decode-plan.ts';
import type { VideoStream } from '../../src/decode/source.ts';
import { cutSegments } from '../../src/pipeline/segments.ts';

function stream(frames: number, step: number, gop: number): VideoStream {
  const keyframes = Array.from({ length: Math.ceil(frames / gop) }, (_, i) => i * gop * step);
  return {
    timeBase: { num: 1, den: 12800 },
    scan: {
      frames,
      firstPts: 0,
      lastPts: (frames - 1) * step,
      keyframes,
      intraOnly: gop === 1,
      step: { min: step, median: step, max: step },
      missingPts: 0,
    },
  } as unknown as VideoStream;
}

function decode(parts: Partial<DecodePlan> = {}): DecodePlan {
  return {
    timeBase: { num: 1, den: 12800 },
    framesPerInput: 1,
    seek: 'keyframe',
    copyTimestamps: true,
    clockStreams: [],
    filterMargin: 0,
    ...parts,
  } as DecodePlan;
}

describe('cutSegments', () => {
  it('keeps segments even, however rare key frames are', () => {
    const segments = cutSegments(stream(500, 512, 194), decode(), {
      lanes: 2,
      targetSeconds: 30,
      leadFrames: 0,
    });
    expect(segments.map(({ expectedFrames }) => expectedFrames)).toEqual([250, 250]);
  });

  it('gives every frame to exactly one segment, wherever the borders fall', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom(256, 512, 1000),
        fc.constantFrom(1, 12, 250),
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0.5, max: 30, noNaN: true }),
        (frames, step, gop, lanes, targetSeconds) => {
          const segments = cutSegments(stream(frames, step, gop), decode({ filterMargin: 2 }), {
            lanes,
            targetSeconds,
            leadFrames: 1,
          });
          expect(segments[0]?.startPts).toBeNull();
          expect(segments.at(-1)?.endPts).toBeNull();
          expect(segments.map(({ index }) => index)).toEqual(segments.map((_, i) => i));
          expect(segments.reduce((sum, segment) => sum + segment.expectedFrames, 0)).toBe(frames);
          for (const [i, segment] of segments.entries()) {
            expect(segment.startPts).toBe(segments[i - 1]?.endPts ?? null);
            if (segment.startPts === null) continue;
            expect(segment.startPts).toBeGreaterThan(segments[i - 1]?.startPts ?? -1);
            expect(segment.seekPts ?? 0).toBeLessThanOrEqual(Math.max(0, segment.startPts - 3 * step));
          }
        },
      ),
    );
  });

  it('puts borders just behind key frames, so that little is decoded twice', () => {
    const segments = cutSegments(stream(1000, 512, 50), decode(), {
      lanes: 2,
      targetSeconds: 10,
      leadFrames: 1,
    });
    expect(segments.length).toBe(4);
    for (const { startPts, seekPts } of segments.slice(1)) {
      expect(Number(seekPts) % (50 * 512)).toBe(0);
      expect(Number(startPts) - Number(seekPts)).toBe(2 * 512);
    }
  });

  it('leaves sources without times, and short ones, whole', () => {
    const video = stream(1000, 512, 50);
    const raw = {
      ...video,
      scan: { ...video.scan, firstPts: null, lastPts: null, step: null },
    } as VideoStream;
    const options = { lanes: 2, targetSeconds: 5, leadFrames: 0 };
    expect(cutSegments(raw, decode(), options)).toHaveLength(1);
    expect(cutSegments(stream(20, 512, 1), decode(), options)).toHaveLength(1);
  });

  it('cuts a source that cannot be sought into few pieces', () => {
    const segments = cutSegments(stream(100_000, 512, 12), decode({ seek: 'start' }), {
      lanes: 2,
      targetSeconds: 10,
      leadFrames: 0,
    });
    expect(segments).toHaveLength(8);
    expect(segments.every(({ seekPts }) => seekPts === null)).toBe(true);
  });

  it('counts doubled fields', () => {
    const segments = cutSegments(
      stream(500, 512, 1),
      decode({ framesPerInput: 2, timeBase: { num: 1, den: 25600 } }),
      { lanes: 2, targetSeconds: 10, leadFrames: 1 },
    );
    expect(segments.reduce((sum, { expectedFrames }) => sum + expectedFrames, 0)).toBe(1000);
  });

  it('keeps a source whose clock jumps whole', () => {
    const plan = decode({ seek: 'start', copyTimestamps: false });
    const options = { lanes: 2, targetSeconds: 1, leadFrames: 0 };
    expect(cutSegments(stream(500, 512, 25), plan, options)).toHaveLength(1);
  });
});
