import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { chooseWorkFormat } from '../../src/decode/choose-work-format.ts';
import { openDecoder } from '../../src/decode/decoder.ts';
import { planDecode } from '../../src/decode/plan-decode.ts';
import { probe } from '../../src/decode/probe.ts';
import { resolveColor } from '../../src/decode/resolve-color.ts';
import type { Source } from '../../src/decode/source.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { makeClip, makeSegment } from './decoder-fixture.ts';
import { writeMatrix, type Matrix } from './display-matrix-fixture.ts';

const WIDTH = 16;
const HEIGHT = 12;
const MATRICES: readonly Matrix[] = [
  [1, 0, 0, 1],
  [0, 1, -1, 0],
  [-1, 0, 0, -1],
  [0, -1, 1, 0],
  [-1, 0, 0, 1],
  [1, 0, 0, -1],
  [0, 1, 1, 0],
  [0, -1, -1, 0],
];

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
}

async function decodeFirst(source: Source, tools: FfmpegTools): Promise<Picture> {
  const format = chooseWorkFormat(source.video, { modelChannels: 1, keepRgb: true, keepAlpha: true });
  const { color } = resolveColor(source, pixelFormat(format).family);
  const { plan } = planDecode(source, { deinterlace: 'auto', format, color });
  const arena = new Arena(1 << 20);
  const decoder = openDecoder(plan, makeSegment(), { arena, tools, leadFrames: 0, tailFrames: 0 });
  for await (const { frame } of decoder.frames()) {
    const { width, height } = frame;
    const luma = Uint8Array.from(arena.bytes(frame.offset, width * height));
    frame.dispose();
    return { width, height, luma };
  }
  throw new Error('no frame');
}

/** Puts each sample where the matrix says that it is shown. */
function apply([a, b, c, d]: Matrix, picture: Picture): Picture {
  const [width, height] = a === 0 ? [picture.height, picture.width] : [picture.width, picture.height];
  const luma = new Uint8Array(width * height);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      // The middle of the sample; a negative result counts from the far edge.
      const [left, top] = [a * (x + 0.5) + c * (y + 0.5), b * (x + 0.5) + d * (y + 0.5)];
      const column = Math.floor(left < 0 ? left + width : left);
      const row = Math.floor(top < 0 ? top + height : top);
      luma[row * width + column] = picture.luma[y * picture.width + x] ?? 0;
    }
  }
  return { width, height, luma };
}

const toolSets = await findToolSets();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'upreel-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(toolSets)('pictures turned with ffmpeg %s', (version, tools) => {
  it.each(
    ['yuv420p', 'yuv422p', 'yuv444p'].flatMap((format) => MATRICES.map((matrix) => ({ format, matrix }))),
  )('$format, $matrix', async ({ format, matrix }) => {
    const file = await makeClip(
      tools,
      path.join(folder, `${version} ${format} ${matrix.join(' ')}.mov`),
      ['-frames:v', '1', '-c:v', 'ffv1', '-pix_fmt', format],
      `mandelbrot=size=${String(WIDTH)}x${String(HEIGHT)}`,
    );
    await writeMatrix(file, [1, 0, 0, 1]);
    const upright = await decodeFirst(await probe(file, { tools }), tools);
    await writeMatrix(file, matrix);
    const turned = await decodeFirst(await probe(file, { tools }), tools);
    expect(turned).toEqual(apply(matrix, upright));
  });
});
