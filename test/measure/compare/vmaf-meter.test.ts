import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { probe } from '../../../src/decode/probe.ts';
import { runFfmpeg } from '../../../src/ffmpeg/process.ts';
import { findTools, type FfmpegTools } from '../../../src/ffmpeg/tools.ts';
import { compareFiles, type ComparisonReport } from '../../../src/measure/compare/compare-files.ts';
import { explainNoVmaf } from '../../../src/measure/compare/vmaf-meter.ts';
import { findToolSets } from '../../ffmpeg/tool-sets.ts';
import { convert, PAL_TAGS } from '../clip-fixture.ts';

/** An ffmpeg that can measure VMAF, from the usual places or named for this test. */
async function findVmafTools(): Promise<FfmpegTools | null> {
  const named = process.env['UPREEL_VMAF_FFMPEG'];
  const found = await findTools(named === undefined ? {} : { ffmpeg: named });
  return (await explainNoVmaf(found, 1920, 1080)) === null ? found : null;
}

const vmafTools = await findVmafTools();
if (vmafTools === null) {
  console.warn(
    'VMAF is not measured: name an ffmpeg of version 5 or later with libvmaf in UPREEL_VMAF_FFMPEG.',
  );
}

let folder: string;
const file = (name: string): string => path.join(folder, name);
beforeAll(async () => void (folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-vmaf-test-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Makes a clip and a worse one of it. */
async function makePair(
  tools: FfmpegTools,
  name: string,
  { filter, format, worse }: { filter: string; format: string; worse: string },
): Promise<{ readonly reference: string; readonly output: string }> {
  const coded = [...PAL_TAGS, '-pix_fmt', format, '-c:v', 'ffv1'];
  const start = ['-frames:v', '8', '-vf', filter, ...coded];
  const reference = await convert(
    tools,
    [['samples/truth/indoors.mkv']],
    file(`${name}-reference.mkv`),
    start,
  );
  const output = await convert(tools, [[reference]], file(`${name}-output.mkv`), ['-vf', worse, ...coded]);
  return { reference, output };
}

async function compare(
  tools: FfmpegTools,
  { reference, output }: { readonly reference: string; readonly output: string },
  vmafModel?: string,
): Promise<ComparisonReport> {
  return compareFiles(await probe(reference, { tools }), await probe(output, { tools }), {
    tools,
    vmafModel,
  });
}

const USUAL = { filter: 'null', format: 'yuv420p', worse: 'gblur=sigma=1.5' };

describe('VMAF that cannot be measured', () => {
  it('is left out with the reason, and refused where a model was given', async () => {
    for (const [version, tools] of await findToolSets()) {
      if ((await explainNoVmaf(tools, 1920, 1080)) === null) continue;
      const pair = await makePair(tools, version, USUAL);
      const { vmaf, all, frames } = await compare(tools, pair);
      expect(vmaf).toEqual({ leftOut: expect.stringContaining('--ffmpeg PATH') as string });
      expect([all.vmaf, frames[0]?.vmaf]).toEqual([null, null]);
      await expect(compare(tools, pair, 'model.json')).rejects.toMatchObject({ code: 'USAGE' });
    }
  });
});

describe.skipIf(vmafTools === null)('VMAF', () => {
  const tools = vmafTools as FfmpegTools;

  it.each([
    ['8 bit', USUAL],
    ['10 bit of odd sizes', { ...USUAL, filter: 'crop=101:77:0:0', format: 'yuv422p10le' }],
  ])('is what the filter gives for the two files: %s', async (name, made) => {
    const pair = await makePair(tools, name, made);
    const { vmaf, all, frames } = await compare(tools, pair);
    const log = file(`${name}.json`);
    const brought = `format=yuv420p${made.format.endsWith('10le') ? '10le' : ''}`;
    const graph = `[0:v]${brought}[a];[1:v]${brought}[b];[a][b]libvmaf=log_fmt=json:log_path=${log}`;
    const inputs = ['-i', pair.output, '-i', pair.reference];
    await runFfmpeg(tools, ['-nostdin', ...inputs, '-lavfi', graph, '-f', 'null', '-'], {
      what: 'measuring',
    });
    const direct = JSON.parse(await readFile(log, 'utf8')) as {
      readonly frames: readonly { readonly metrics: { readonly vmaf: number } }[];
      readonly pooled_metrics: { readonly vmaf: { readonly mean: number; readonly harmonic_mean: number } };
    };
    expect(frames.map((frame) => frame.vmaf)).toEqual(direct.frames.map(({ metrics }) => metrics.vmaf));
    expect(all.vmaf).toBeCloseTo(direct.pooled_metrics.vmaf.mean, 4);
    expect(vmaf).toEqual({
      model: 'vmaf_v0.6.1',
      harmonicMean: direct.pooled_metrics.vmaf.harmonic_mean,
    });
  });

  it('leaves small pictures out', async () => {
    const pair = await makePair(tools, 'small', { ...USUAL, filter: 'scale=20:16' });
    expect((await compare(tools, pair)).vmaf).toEqual({ leftOut: 'the picture is too small' });
  });

  it('refuses models that it cannot read, and leaves nothing behind', async () => {
    const pair = await makePair(tools, 'models', USUAL);
    vi.stubEnv('TMPDIR', await mkdtemp(file('scratch-')));
    await expect(compare(tools, pair, file('none.json'))).rejects.toMatchObject({ code: 'USAGE' });
    await writeFile(file('bad.json'), '{}');
    await expect(compare(tools, pair, file('bad.json'))).rejects.toMatchObject({
      code: 'FFMPEG_FAILED',
      hint: expect.stringContaining('--vmaf-model') as string,
    });
    expect(await readdir(os.tmpdir())).toEqual([]);
    vi.unstubAllEnvs();
  });
});
