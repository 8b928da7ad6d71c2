import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseSidecar, type Provenance } from '../../src/core/provenance.ts';
import { probe } from '../../src/decode/probe.ts';
import { assemble } from '../../src/encode/assemble.ts';
import { planProvenance, sidecarOf } from '../../src/encode/provenance.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { encodeSegments, makeClip, planFor, readFile as readTags } from './encode-fixture.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-provenance-'));
const toolSets = await findToolSets();
afterAll(() => rm(directory, { recursive: true, force: true }));

const RECORD: Provenance = {
  version: '1.2.3',
  method: 'AI',
  models: [
    { id: 'café', sha256: 'ab'.repeat(32) },
    { id: 'chroma', sha256: 'cd'.repeat(32) },
  ],
  scale: 1.5,
  sourceSampleSha256: 'ef'.repeat(32),
};
const TIMES = [[0, 1, 2, 3, 4]];

describe.each(toolSets)('provenance with ffmpeg %s', (version, tools) => {
  const folder = path.join(directory, version);

  async function makeTaggedSource(): Promise<Awaited<ReturnType<typeof probe>>> {
    await mkdir(folder, { recursive: true });
    const options = ['-c:v', 'ffv1', '-metadata', 'title=Holiday', '-metadata', 'comment=By the sea'];
    const clip = await makeClip(
      tools,
      path.join(folder, 'source.mkv'),
      ['testsrc2=s=64x48:r=25:d=0.2'],
      options,
    );
    return probe(clip, { tools });
  }

  it.each([
    ['mp4', 'h264'],
    ['mov', 'prores'],
    ['mkv', 'h264'],
    ['nut', 'ffv1'],
    ['webm', 'vp9'],
    ['ts', 'h264'],
    ['png', 'png'],
  ])('is in a .%s and read back, beside the tags of the source', async (extension, profile) => {
    const source = await makeTaggedSource();
    const place = path.join(folder, extension);
    const outputPath = path.join(
      folder,
      extension === 'png' ? 'out.%03d.png' : `out-${extension}.${extension}`,
    );
    const planned = await planFor(tools, { source, outputPath, profile });
    const plan = planProvenance(planned.assemble, RECORD, false);
    await mkdir(place, { recursive: true });
    const segments = await encodeSegments(tools, planned.encode, TIMES, place, 1);
    const { bytes } = await assemble(plan, planned.encode, segments, { tools, workDirectory: place });
    const made = await probe(outputPath, { tools });
    expect(made.provenance).toEqual(RECORD);
    const holdsTags = extension !== 'ts' && extension !== 'png';
    expect(sidecarOf(plan) === null).toBe(holdsTags);
    if (holdsTags) {
      // As any other program reads them.
      const tags = (await readTags(tools, outputPath)).format.tags ?? {};
      expect(tags).toMatchObject({
        UPREEL_UPSCALED: 'AI',
        DIGITAL_SOURCE_TYPE: expect.stringMatching(/algorithmicallyEnhanced$/) as string,
      });
      const named = Object.entries(tags).map(([name, value]) => `${name.toLowerCase()}=${value}`);
      expect(named).toEqual(expect.arrayContaining(['title=Holiday', 'comment=By the sea']));
      expect(made.video.scan).toMatchObject({ frames: 5, complete: true });
    } else {
      const document = parseSidecar(await readFile(sidecarOf(plan) ?? '', 'utf8'));
      expect(document).toMatchObject({ ...RECORD, output: { bytes } });
    }
  });

  it('is in a document beside the output too, when that is asked for, and speaks of that output alone', async () => {
    const source = await makeTaggedSource();
    const outputPath = path.join(folder, 'twice.ts');
    const planned = await planFor(tools, { source, outputPath });
    const plan = planProvenance(planned.assemble, RECORD, true);
    const segments = await encodeSegments(tools, planned.encode, TIMES, folder, 1);
    await assemble(plan, planned.encode, segments, { tools, workDirectory: folder });
    expect((await probe(outputPath, { tools })).provenance).toEqual(RECORD);
    await makeClip(
      tools,
      outputPath,
      ['testsrc2=s=64x48:r=25:d=1'],
      ['-y', '-c:v', 'libx264', '-f', 'mpegts'],
    );
    expect((await stat(sidecarOf(plan) ?? '')).isFile()).toBe(true);
    expect((await probe(outputPath, { tools })).provenance).toBeNull();
  });
});

it('puts a document beside files that hold tags only when asked, and never beside standard output', async () => {
  const tools = toolSets[0]?.[1];
  if (tools === undefined) throw new Error('there is no ffmpeg');
  const clip = await makeClip(
    tools,
    path.join(directory, 's.mkv'),
    ['testsrc2=s=64x48:r=25:d=0.2'],
    ['-c:v', 'ffv1'],
  );
  const source = await probe(clip, { tools });
  const name = async (outputPath: string, sidecar: boolean): Promise<string | null> =>
    sidecarOf(planProvenance((await planFor(tools, { source, outputPath })).assemble, RECORD, sidecar));
  expect(await name('/v/a.mp4', false)).toBeNull();
  expect(await name('/v/a.mp4', true)).toBe('/v/a.mp4.provenance.json');
  expect(await name('-', true)).toBeNull();
});
