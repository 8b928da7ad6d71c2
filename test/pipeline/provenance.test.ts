import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { UpscaleRequest } from '../../src/config/resolve-options.ts';
import { plan, probe, upscale } from '../../src/index.ts';
import { findTools } from '../../src/ffmpeg/tools.ts';
import { makeClip } from '../encode/encode-fixture.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-provenance-'));
afterAll(() => rm(directory, { recursive: true, force: true }));
const clip = await makeClip(
  await findTools(),
  path.join(directory, 'clip.mkv'),
  ['testsrc2=s=64x48:r=25:d=0.24'],
  ['-c:v', 'ffv1', '-pix_fmt', 'yuv420p'],
);

it('names the networks that made an output, also after a plain filter enlarged it once more', async () => {
  const first = await upscale(clip, { output: path.join(directory, 'first.mp4') });
  const { provenance } = await probe(first.result.output);
  const { infer, source } = first.result.plan;
  expect(provenance).toMatchObject({
    method: 'AI',
    scale: 2,
    sourceSampleSha256: source.identity.sampleSha256,
  });
  expect(provenance?.models[0]).toEqual({ id: infer.passes[0]?.id, sha256: infer.passes[0]?.sha256 });
  expect(first.verify?.ok).toBe(true);

  const second = await upscale(first.result.output, {
    output: path.join(directory, 'second.mkv'),
    model: 'lanczos',
  });
  expect((await probe(second.result.output)).provenance).toEqual(provenance);
  const rows = second.verify?.rows ?? [];
  expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
});

it('calls a plain filter a filter, and says nothing when told to', async () => {
  const make = async (name: string, request: UpscaleRequest): ReturnType<typeof probe> =>
    probe(
      (await upscale(clip, { output: path.join(directory, name), model: 'lanczos', ...request })).result
        .output,
    );
  const plain = await make('plain.mkv', {});
  expect(plain.provenance).toMatchObject({ method: 'filter', models: [{ id: 'lanczos', sha256: null }] });
  expect(plain.container.tags).not.toHaveProperty('DIGITAL_SOURCE_TYPE');
  const silent = await make('silent.mkv', { provenance: 'none' });
  expect(silent.provenance).toBeNull();
  expect(Object.keys(silent.container.tags).filter((name) => /upreel/i.test(name))).toEqual([]);
});

it('leaves the segments what they are', async () => {
  const hashes = await Promise.all(
    (['auto', 'sidecar', 'none'] as const).map(async (provenance) => (await plan(clip, { provenance })).hash),
  );
  expect(new Set(hashes).size).toBe(1);
});

it('replaces no file that is no document of this kind', async () => {
  const output = path.join(directory, 'kept.ts');
  const request = { output, model: 'lanczos' };
  await writeFile(`${output}.provenance.json`, '{"notes": "mine"}');
  await expect(upscale(clip, request)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  await expect(stat(output)).rejects.toThrow();
  await rm(`${output}.provenance.json`);
  await upscale(clip, request);
  expect((await probe(output)).provenance?.method).toBe('filter');
});
