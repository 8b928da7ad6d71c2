import { spawnSync } from 'node:child_process';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import { describe, expect, it } from 'vitest';
import type { ChromaLocation } from '../../src/core/color.ts';
import { pixelFormat, planeSize } from '../../src/core/pixel-format.ts';
import { chromaMapping, type ChromaGrid } from '../../src/kernels/chroma-mapping.ts';
import { findWorst, makePlane, resample, type Samples } from './plane-fixture.ts';

interface Layout {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly location: ChromaLocation;
}

/** Resizes a frame with zimg (ffmpeg's zscale) and returns its second plane. */
function resizeWithZimg(from: Layout, to: Layout, chroma: Samples, filter: string): Uint8Array {
  const luma = Buffer.alloc(from.width * from.height, 128);
  const options = [
    `w=${to.width}:h=${to.height}:chromalin=${from.location}:chromal=${to.location}`,
    `filter=${filter}`,
  ];
  const { stdout, stderr, status } = spawnSync(
    ffmpegInstaller.path,
    [
      ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', from.format, '-s', `${from.width}x${from.height}`],
      ...['-i', 'pipe:0', '-vf', `zscale=${options.join(':')},format=${to.format}`],
      ...['-f', 'rawvideo', 'pipe:1'],
    ],
    { input: Buffer.concat([luma, ...[chroma, chroma].map((plane) => Uint8Array.from(plane))]) },
  );
  if (status !== 0) throw new Error(stderr.toString());
  const size = planeSize(pixelFormat(to.format), 1, to.width, to.height);
  return stdout.subarray(to.width * to.height).subarray(0, size.width * size.height);
}

function describeGrid({ format, width, height, location }: Layout): ChromaGrid {
  const layout = pixelFormat(format).planes[1];
  if (layout === undefined) throw new Error(`${format} has no chroma`);
  return { width, height, location, log2Width: layout.log2Width, log2Height: layout.log2Height };
}

/** Slopes in both directions and a soft wave: a shift of half a sample moves values by several. */
function drawChroma(x: number, y: number): number {
  return 50 + 1.5 * x + y + 25 * Math.sin(x / 3) * Math.cos(y / 4);
}

const CASES: [string, Layout, Layout][] = [
  ['twice as large, left', ['yuv420p', 64, 48, 'left'], ['yuv420p', 128, 96, 'left']],
  ['twice as large, center', ['yuv420p', 64, 48, 'center'], ['yuv420p', 128, 96, 'center']],
  ['twice as large, topleft', ['yuv420p', 64, 48, 'topleft'], ['yuv420p', 128, 96, 'topleft']],
  ['twice as large, bottom', ['yuv420p', 64, 48, 'bottom'], ['yuv420p', 128, 96, 'bottom']],
  ['4:2:2 three times as large', ['yuv422p', 64, 48, 'left'], ['yuv422p', 192, 144, 'left']],
  ['uneven ratios', ['yuv420p', 64, 48, 'left'], ['yuv420p', 170, 102, 'left']],
  ['from left to center', ['yuv420p', 64, 48, 'left'], ['yuv420p', 64, 48, 'center']],
  ['from center to topleft, larger', ['yuv420p', 64, 48, 'center'], ['yuv420p', 128, 96, 'topleft']],
  ['4:2:0 to 4:4:4', ['yuv420p', 64, 48, 'left'], ['yuv444p', 128, 96, 'left']],
  ['4:2:0 to 4:2:2', ['yuv420p', 64, 48, 'left'], ['yuv422p', 96, 72, 'left']],
  ['4:4:4 to 4:2:0', ['yuv444p', 64, 48, 'left'], ['yuv420p', 96, 72, 'left']],
  ['smaller', ['yuv420p', 64, 48, 'left'], ['yuv420p', 40, 30, 'left']],
].map(([name, from, to]) => {
  const read = (list: unknown): Layout => {
    const [format, width, height, location] = list as [string, number, number, ChromaLocation];
    return { format, width, height, location };
  };
  return [name as string, read(from), read(to)];
});

describe('chromaMapping', () => {
  it.each(CASES)('puts chroma where zimg puts it: %s', (_, from, to) => {
    const fromSize = { ...planeSize(pixelFormat(from.format), 1, from.width, from.height), bits: 8 };
    const toSize = { ...planeSize(pixelFormat(to.format), 1, to.width, to.height), bits: 8 };
    const chroma = makePlane(fromSize, drawChroma);
    const mapping = chromaMapping(describeGrid(from), describeGrid(to));
    for (const filter of ['bilinear', 'bicubic', 'lanczos'] as const) {
      const ours = resample(chroma, { from: fromSize, to: toSize, filter, mapping });
      const theirs = resizeWithZimg(from, to, chroma, filter);
      expect(theirs).toHaveLength(ours.length);
      expect(findWorst(ours, theirs)).toBeLessThanOrEqual(1);
    }
  });

  it('is the centred mapping for centred chroma', () => {
    const grid = { log2Width: 1, log2Height: 1, location: 'center' } as const;
    const mapping = chromaMapping({ ...grid, width: 64, height: 48 }, { ...grid, width: 160, height: 96 });
    expect(mapping.x.scale).toBeCloseTo(0.4, 12);
    expect(mapping.x.offset).toBeCloseTo(-0.3, 12);
    expect(mapping.y).toEqual({ scale: 0.5, offset: -0.25 });
  });

  it('keeps left chroma over the first luma column, in 4:1:1 and with odd sizes too', () => {
    // Sample 0 of 4:1:1 lies over luma column 0, whose centre moves with the picture's growth.
    const from = { width: 720, height: 576, log2Width: 2, log2Height: 0, location: 'left' } as const;
    const twice = chromaMapping(from, { ...from, width: 1440, height: 1152 });
    expect(twice).toEqual({ x: { scale: 0.5, offset: -0.0625 }, y: { scale: 0.5, offset: -0.25 } });
    const odd = { width: 321, height: 241, log2Width: 1, log2Height: 1, location: 'left' } as const;
    const grown = chromaMapping(odd, { ...odd, width: 963, height: 723 });
    expect(grown.x.scale).toBeCloseTo(1 / 3, 12);
    expect(grown.x.offset).toBeCloseTo(-1 / 6, 12);
    expect(grown.y.offset).toBeCloseTo(-1 / 3, 12);
  });

  it('takes an unknown location for left', () => {
    const from = { width: 64, height: 48, log2Width: 1, log2Height: 1 } as const;
    const to = { width: 128, height: 96, log2Width: 1, log2Height: 1 } as const;
    expect(chromaMapping({ ...from, location: 'unknown' }, { ...to, location: 'unknown' })).toEqual(
      chromaMapping({ ...from, location: 'left' }, { ...to, location: 'left' }),
    );
  });
});
