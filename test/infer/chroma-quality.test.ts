import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { embeddedTools } from '../ffmpeg/tool-sets.ts';
import { loadChromaNetworks } from '../../src/infer/chroma/chroma-model.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { describeFilter } from '../../src/infer/registry.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';
import { upscaleOnce, type Samples } from './upscaler-fixture.ts';

const tools = await embeddedTools();
const chroma = await loadChromaNetworks({
  directories: [fileURLToPath(new URL('../../models', import.meta.url))],
});
const [width, height] = [704, 560];

/** Planes of some frames of the sample, its fields made into frames, its sides multiples of 16. */
function readFrames(): Uint8Array[][] {
  const sample = fileURLToPath(new URL('../../samples/meadow.mov', import.meta.url));
  const filters = `bwdif=mode=send_frame,crop=${String(width)}:${String(height)},select=not(mod(n\\,20))`;
  const vsync = tools.features.fpsMode ? '-fps_mode' : '-vsync';
  const { stdout } = spawnSync(
    tools.ffmpeg,
    [
      '-v',
      'error',
      '-i',
      sample,
      '-vf',
      filters,
      vsync,
      'passthrough',
      '-pix_fmt',
      'yuv420p',
      '-f',
      'rawvideo',
      '-',
    ],
    { maxBuffer: 1 << 28 },
  );
  const area = width * height;
  return Array.from({ length: Math.floor(stdout.length / (area * 1.5)) }, (_, i) => {
    const frame = new Uint8Array(stdout.subarray(i * area * 1.5, (i + 1) * area * 1.5));
    return [frame.subarray(0, area), frame.subarray(area, area * 1.25), frame.subarray(area * 1.25)];
  });
}

function readSample(
  planes: readonly Samples[],
  width: number,
): (plane: number, x: number, y: number) => number {
  return (plane, x, y) => planes[plane]?.[y * (plane === 0 ? width : width / 2) + x] ?? 0;
}

function measurePsnr(planes: readonly Samples[], truth: readonly Samples[]): number {
  const values = [1, 2].map((plane) => {
    const [a = new Uint8Array(), b = new Uint8Array()] = [planes[plane], truth[plane]];
    let sum = 0;
    a.forEach((value, i) => (sum += (value - (b[i] ?? 0)) ** 2));
    return 10 * Math.log10((255 ** 2 * a.length) / sum);
  });
  return values.reduce((total, value) => total + value, 0) / values.length;
}

it.each(['left', 'center', 'topleft'] as const)(
  'beats the filter on the halved sample: %s',
  async (location) => {
    const model = await inspectModel(await placeModel(makeNetwork()));
    const frames = readFrames();
    expect(frames.length).toBeGreaterThan(1);
    for (const filter of ['bicubic', 'lanczos'] as const) {
      const gains: number[] = [];
      for (const truth of frames) {
        const halves = await upscaleOnce(
          {
            model: describeFilter(filter),
            format: 'yuv420p',
            location,
            width,
            height,
            magnification: 0.5,
          },
          readSample(truth, width),
        );
        const wishes = { model, format: 'yuv420p', location, width: width / 2, height: height / 2 };
        const sampleAt = readSample(halves, width / 2);
        const [byFilter, byNetwork] = [
          await upscaleOnce({ ...wishes, chroma: [] }, sampleAt),
          await upscaleOnce({ ...wishes, chroma }, sampleAt),
        ];
        gains.push(measurePsnr(byNetwork, truth) - measurePsnr(byFilter, truth));
      }
      console.info(
        `${location}, halved by ${filter}: ${gains.map((gain) => gain.toFixed(2)).join(', ')} dB over bicubic`,
      );
      for (const gain of gains) expect(gain).toBeGreaterThan(0);
    }
  },
);
