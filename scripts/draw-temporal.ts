/**
 * Draws docs/images/temporal.png: a thing that moves fast before a still photograph, with noise of sigma 8, and what is left of the noise. From
 * left to right the frame, the frame blended and the truth.
 *
 *     npx tsx scripts/draw-temporal.ts
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { addNoise, makeGaussian } from '../bench/noise.ts';
import { SAMPLES, tools } from '../bench/clips.ts';
import { blendPlanes } from '../bench/temporal-measures.ts';
import { pipeBytes } from '../src/ffmpeg/pipe-bytes.ts';
import type { LumaPlane } from '../src/measure/luma-plane.ts';
import { readWindows } from '../src/measure/luma-windows.ts';

const SIGMA = 8;
/** Samples that the thing moves by in a frame, its side, and where it is in the middle one. */
const STEP = 26;
const SIDE = 56;
const AT = { left: 70, top: 60 };
const SHOWN = { left: 12, top: 24, width: 168, height: 128 };
const ZOOM = 2;
const GAP = 6;

const target = fileURLToPath(new URL('../docs/images/temporal.png', import.meta.url));
const [, [behind] = [], [thing] = []] = await readWindows(path.join(SAMPLES, 'outdoors.mkv'), {
  ...{ tools, grid: 8, length: 1 },
});
if (behind === undefined || thing === undefined) throw new Error('the sample has too few scenes');
const truths = [-1, 0, 1].map((t) => paste(behind, thing, AT.left + t * STEP, AT.top));
const noise = makeGaussian(1);
const noisy = truths.map((plane) => addNoise(plane, SIGMA, noise));
const blended = await blendPlanes(noisy, 'high');
const shown = [noisy[1], blended[1], truths[1]].filter((plane) => plane !== undefined);

const cell = { width: SHOWN.width * ZOOM, height: SHOWN.height * ZOOM };
const width = shown.length * cell.width + (shown.length - 1) * GAP;
const picture = new Uint8Array(width * cell.height).fill(255);
shown.forEach((plane, column) => {
  for (let y = 0; y < cell.height; y++) {
    for (let x = 0; x < cell.width; x++) {
      const from = (SHOWN.top + Math.floor(y / ZOOM)) * plane.width + SHOWN.left + Math.floor(x / ZOOM);
      picture[y * width + column * (cell.width + GAP) + x] = plane.samples[from] ?? 0;
    }
  }
});
const png = await pipeBytes(tools, picture, {
  input: ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${cell.height}`],
  output: ['-c:v', 'png', '-pred', 'mixed', '-compression_level', '9', '-f', 'image2pipe'],
  what: 'drawing',
});
await writeFile(target, png);

/** The middle of `thing` over `behind`. */
function paste(behind: LumaPlane, thing: LumaPlane, left: number, top: number): LumaPlane {
  const samples = behind.samples.slice();
  const from = { x: (thing.width - SIDE) >> 1, y: (thing.height - SIDE) >> 1 };
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      samples[(top + y) * behind.width + left + x] =
        thing.samples[(from.y + y) * thing.width + from.x + x] ?? 0;
    }
  }
  return { ...behind, samples };
}
