import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe } from '../../../src/decode/probe.ts';
import { runFfmpeg } from '../../../src/ffmpeg/process.ts';
import { findTools, type FfmpegTools } from '../../../src/ffmpeg/tools.ts';
import { compareFiles, type ComparisonReport } from '../../../src/measure/compare/compare-files.ts';
import { convert, PAL_TAGS } from '../clip-fixture.ts';

const FFV1 = [...PAL_TAGS, '-pix_fmt', 'yuv420p', '-c:v', 'ffv1'];

let tools: FfmpegTools;
let folder: string;
let reference: string;
const file = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  tools = await findTools();
  folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-compare-'));
  const options = ['-frames:v', '8', ...FFV1];
  reference = await convert(tools, [['samples/truth/indoors.mkv']], file('reference.mkv'), options);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function make(name: string, options: readonly string[]): Promise<string> {
  return convert(tools, [[reference]], file(name), options);
}

async function compare(output: string): Promise<ComparisonReport> {
  return compareFiles(await probe(reference, { tools }), await probe(output, { tools }), { tools });
}

/** What a filter of ffmpeg's prints at its end. */
async function askFfmpeg(filter: 'psnr' | 'ssim', output: string): Promise<string> {
  const { stderr } = await runFfmpeg(
    tools,
    ['-nostdin', '-i', output, '-i', reference, '-lavfi', `[0:v][1:v]${filter}`, '-f', 'null', '-'],
    { what: 'comparing' },
  );
  return stderr;
}

describe('compareFiles', () => {
  it("gives what ffmpeg's psnr and ssim filters give", async () => {
    const output = await make('blurred.mkv', ['-vf', 'gblur=sigma=0.8,noise=alls=6:all_seed=3', ...FFV1]);
    const { all, frames, worst } = await compare(output);
    const psnr = /PSNR y:([\d.]+) u:([\d.]+) v:([\d.]+)/.exec(await askFfmpeg('psnr', output)) ?? [];
    const ssim = /SSIM Y:([\d.]+)/.exec(await askFfmpeg('ssim', output)) ?? [];
    expect(all.psnrY).toBeCloseTo(Number(psnr[1]), 2);
    expect(all.psnrU).toBeCloseTo(Number(psnr[2]), 2);
    expect(all.psnrV).toBeCloseTo(Number(psnr[3]), 2);
    expect(Math.abs((all.ssim ?? 0) - Number(ssim[1]))).toBeLessThan(0.001);
    expect(frames).toHaveLength(8);
    expect(worst.psnrY).toBe(Math.min(...frames.map(({ psnrY }) => psnrY)));
  });

  it('says that a file is like itself, also in another range', async () => {
    const { all } = await compare(reference);
    expect(all).toMatchObject({
      ...{ psnrY: 99, psnrU: 99, psnrV: 99 },
      ...{ ssim: 1, msSsim: 1, flicker: 99, sharpness: 1 },
    });
    const full = await make('full.mkv', [
      ...['-vf', 'scale=in_range=tv:out_range=pc', ...FFV1, '-color_range', 'pc'],
    ]);
    expect((await compare(full)).all.psnrY).toBeGreaterThan(48);
  });

  it('tells blur, grain and flicker apart', async () => {
    const blurred = (await compare(await make('blur.mkv', ['-vf', 'gblur=sigma=1.5', ...FFV1]))).all;
    const grain = (await compare(await make('grain.mkv', ['-vf', 'noise=alls=20:allf=t', ...FFV1]))).all;
    const still = (await compare(await make('still.mkv', ['-vf', 'noise=alls=20', ...FFV1]))).all;
    expect(blurred.sharpness).toBeLessThan(0.9);
    expect(grain.sharpness).toBeGreaterThan(1.02);
    expect(blurred.msSsim ?? 1).toBeLessThan(1);
    expect(still.flicker ?? 0).toBeGreaterThan((grain.flicker ?? 99) + 6);
  });

  it('refuses what does not belong together', async () => {
    const cases: Readonly<Record<string, readonly [options: readonly string[], message: RegExp]>> = {
      'size.mkv': [['-vf', 'scale=192:144', ...FFV1], /size of 384x288, and .* 192x144/],
      'count.mkv': [['-frames:v', '6', ...FFV1], /frames of 8, and .* 6/],
      'rate.mkv': [['-vf', 'setpts=PTS*2', '-r', '12.5', ...FFV1], /frame rate of/],
    };
    for (const [name, [options, message]] of Object.entries(cases)) {
      await expect(compare(await make(name, options)), name).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(message) as string,
      });
    }
  });

  it('refuses frames that come too late', async () => {
    const late = await make('late.mkv', [
      '-vf',
      'loop=loop=1:size=1:start=0,setpts=N/25/TB',
      '-frames:v',
      '8',
      ...FFV1,
    ]);
    await expect(compare(late)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('come later than') as string,
    });
  });

  it('finds a constant shift and another size when asked, and says both', async () => {
    const align = async (name: string): Promise<ComparisonReport> =>
      compareFiles(await probe(reference, { tools }), await probe(file(name), { tools }), {
        tools,
        align: true,
      });
    await make('cut.mkv', ['-vf', 'select=gte(n\\,3),setpts=N/25/TB', ...FFV1]);
    const cut = await align('cut.mkv');
    expect(cut.alignment).toEqual({ offset: 3, scaledFrom: null, outside: { output: 0, reference: 3 } });
    expect(cut.all.psnrY).toBe(99);
    expect(cut.frames.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4]);

    await make('led.mkv', ['-vf', 'loop=loop=2:size=1:start=0,setpts=N/25/TB,scale=192:144', ...FFV1]);
    const led = await align('led.mkv');
    expect(led.alignment).toEqual({
      offset: -2,
      scaledFrom: { width: 192, height: 144 },
      outside: { output: 2, reference: 0 },
    });
    expect(led.frames).toHaveLength(8);
    expect(led.all.psnrY).toBeGreaterThan(25);

    expect((await align('reference.mkv')).alignment?.offset).toBe(0);
  });

  it('refuses pictures that agree at no shift', async () => {
    await make('other.mkv', ['-vf', 'negate', ...FFV1]);
    const other = await probe(file('other.mkv'), { tools });
    await expect(
      compareFiles(await probe(reference, { tools }), other, { tools, align: true }),
    ).rejects.toMatchObject({ code: 'USAGE' });
  });
});
