/**
 * Measures the models of `models/` and writes what it finds into their manifests: the facts, the gains on `samples/truth` and the speed
 * against the yardstick of bench/.
 *
 *     npx tsx scripts/measure-models.ts [ID...]
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureModel, TestClips, type ModelGains } from '../bench/model-gains.ts';
import { TIMED_SIZE, timeModels } from '../bench/model-times.ts';
import { YARDSTICK } from '../bench/yardstick.ts';
import { findTools } from '../src/ffmpeg/tools.ts';
import { inspectModel } from '../src/infer/inspect-model.ts';
import type { ModelFacts } from '../src/infer/infer-plan.ts';
import { manifestSchema, readManifest, type Manifest } from '../src/infer/manifest.ts';

const ROUNDS = 15;

const models = fileURLToPath(new URL('../models', import.meta.url));
const ids = process.argv.length > 2 ? process.argv.slice(2) : await listModels();
const clips = await TestClips.list(
  fileURLToPath(new URL('../samples/truth', import.meta.url)),
  await findTools(),
);
for (const id of ids) {
  const folder = path.join(models, id);
  const file = path.join(folder, 'manifest.json');
  const manifest = manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const { facts, ...measured } = await measureKinds(folder, manifest);
  const [time] = await timeModels([facts], ROUNDS);
  if (time === undefined) throw new Error(`${id} could not be timed`);
  const larger: unknown[] = [];
  for (const part of manifest.larger) larger.push({ ...part, ...(await measureKinds(folder, part)) });
  const written = manifestSchema.parse({
    ...manifest,
    ...measured,
    speed: {
      machine: os.cpus()[0]?.model.trim() ?? 'unknown',
      size: `${TIMED_SIZE.width}x${TIMED_SIZE.height}`,
      threads: 1,
      milliseconds: round(time.median),
      against: YARDSTICK,
      ratio: round(time.ratio),
    },
    facts,
    larger,
  });
  await writeFile(file, `${JSON.stringify(written, null, 2)}\n`);
  console.log(id, JSON.stringify(written.measuredOnSamples?.gains), JSON.stringify(written.speed));
}

async function measureKinds(
  folder: string,
  part: Pick<Manifest, 'file' | 'int8'>,
): Promise<Awaited<ReturnType<typeof measure>> & Pick<Manifest, 'int8'>> {
  const own = await measure(folder, part);
  if (part.int8 === undefined) return own;
  const { facts, measuredOnSamples } = await measure(folder, part.int8);
  return { ...own, int8: { ...part.int8, sha256: facts.sha256 ?? '', measuredOnSamples } };
}

async function measure(
  folder: string,
  { file }: { readonly file: string },
): Promise<{ readonly facts: ModelFacts; readonly measuredOnSamples: Manifest['measuredOnSamples'] }> {
  const facts = await inspectModel(path.join(folder, file));
  const gains = await measureModel(facts, clips, { recordings: true });
  return {
    facts,
    measuredOnSamples: {
      against: 'Lanczos of ffmpeg',
      on: 'three frames of each clip of samples/truth, by scripts/measure-models.ts',
      gains: nameGains(gains),
    },
  };
}

/** Folders whose manifest is that of a model for whole pictures. */
async function listModels(): Promise<string[]> {
  const names = await readdir(models);
  const has = await Promise.all(
    names.map((name) =>
      readManifest(path.join(models, name)).then(
        (model) => model !== null,
        () => false,
      ),
    ),
  );
  return names.filter((_, i) => has[i]);
}

function nameGains({ bicubic, area, compressed, recorded }: ModelGains): Record<string, number> {
  const named = {
    bicubic,
    area,
    compressed,
    ...recorded?.overLanczos,
  };
  return Object.fromEntries(Object.entries(named).map(([name, gain]) => [name, round(gain)]));
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
