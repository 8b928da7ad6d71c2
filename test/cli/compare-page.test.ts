import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { drawCurve } from '../../src/cli/draw-curve.ts';
import { pipeBytes } from '../../src/ffmpeg/pipe-bytes.ts';
import { findTools } from '../../src/ffmpeg/tools.ts';
import { convert, PAL_TAGS } from '../measure/clip-fixture.ts';
import { runUpreel } from './command-line.ts';

const tools = await findTools();
const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-page-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const FFV1 = [...PAL_TAGS, '-pix_fmt', 'yuv420p', '-c:v', 'ffv1'];
const file = (name: string): string => path.join(folder, name);
const reference = await convert(tools, [['samples/truth/indoors.mkv']], file('<b>.mkv'), [
  '-frames:v',
  '30',
  ...FFV1,
]);
// Two places far from each other are spoiled, the second more.
const output = await convert(tools, [[reference]], file('out.mkv'), [
  '-vf',
  "drawbox=enable='eq(n,3)':c=white:t=fill:w=20:h=20,drawbox=enable='eq(n,25)':c=white:t=fill:w=90:h=90",
  ...FFV1,
]);

describe('upreel compare --html', () => {
  it('writes one page with curves and the worst frames, and replaces nothing unasked', async () => {
    const pages = file('pages');
    const args = ['compare', reference, output, '--html', pages];
    expect((await runUpreel(args)).code).toBe(0);
    expect(await readdir(pages)).toEqual(['compare.html']);
    const page = await readFile(path.join(pages, 'compare.html'), 'utf8');
    expect(page).not.toMatch(/<script|<b>\.mkv|(src|href)="(?!data:)/);
    expect(page.match(/<polyline/g)).toHaveLength(5);
    const shown = [...page.matchAll(/<p>Frame (\d+), at/g)].map(([, frame]) => Number(frame));
    expect(shown.slice(0, 2)).toEqual([25, 3]);
    const pictures = [...page.matchAll(/data:image\/png;base64,([^"]+)/g)].map(([, text]) => text ?? '');
    expect(pictures).toHaveLength(3 * shown.length);
    // The difference of the worst frame is bright in the spoiled corner and black elsewhere.
    const difference = await pipeBytes(tools, Buffer.from(pictures[2] ?? '', 'base64'), {
      input: ['-f', 'png_pipe'],
      output: ['-pix_fmt', 'gray', '-f', 'rawvideo'],
      what: 'reading a picture',
    });
    expect(difference[0]).toBeGreaterThan(200);
    expect(difference.at(-1)).toBe(0);

    await writeFile(path.join(pages, 'compare.html'), 'mine');
    expect((await runUpreel(args)).code).not.toBe(0);
    expect(await readFile(path.join(pages, 'compare.html'), 'utf8')).toBe('mine');
    expect((await runUpreel([...args, '-y'])).code).toBe(0);
    expect(await readdir(pages)).toEqual(['compare.html']);
  });
});

describe('drawCurve', () => {
  it('keeps the least and the greatest value of films of any length', () => {
    const points = Array.from({ length: 100_000 }, (_, frame) => ({
      frame,
      value: frame === 77_777 ? 1 : frame === 12_345 ? 99 : 40,
    }));
    const svg = drawCurve('x', points, { unit: '', digits: 1 });
    const ys = [...(/points="([^"]+)"/.exec(svg)?.[1] ?? '').matchAll(/,([\d.]+)/g)].map(([, y]) =>
      Number(y),
    );
    expect(ys.length).toBeLessThan(3000);
    expect(ys.filter((y) => y === Math.min(...ys))).toHaveLength(1);
    expect(ys.filter((y) => y === Math.max(...ys))).toHaveLength(1);
    expect(svg).toContain('least at 77777');
  });

  it('says so where no frame has a value', () => {
    expect(drawCurve('SSIM', [{ frame: 0, value: null }], { unit: '', digits: 1 })).not.toContain('<svg');
  });
});
