/**
 * Writes what is measured into a model's manifest: its facts, found by running it, and its gains as `training/evaluate.py` printed them.
 *
 *     npx tsx scripts/write-manifest.ts models/NAME [EVALUATION.json KEY]
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { inspectModel } from '../src/infer/inspect-model.ts';
import { manifestSchema } from '../src/infer/manifest.ts';

const GAINS = z.record(
  z.string(),
  z.object({ clips: z.number(), bicubic: z.number(), area: z.number(), compressed: z.number() }),
);

const [folder, evaluation, key = ''] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('usage: tsx scripts/write-manifest.ts models/NAME [EVALUATION.json KEY]');
const file = path.join(folder, 'manifest.json');
const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
const facts = await inspectModel(path.join(folder, String(manifest.file)));
const measured = evaluation === undefined ? {} : { measured: await readGains(evaluation, key) };
const written = manifestSchema.parse({ ...manifest, ...measured, facts });
await writeFile(file, `${JSON.stringify(written, null, 2)}\n`);

async function readGains(source: string, name: string): Promise<z.infer<typeof manifestSchema>['measured']> {
  const gains = GAINS.parse(JSON.parse(await readFile(source, 'utf8')))[name];
  if (gains === undefined) throw new Error(`${source} says nothing of ${name}`);
  return {
    against: 'Lanczos of ffmpeg',
    on: `first and two later frames of ${String(gains.clips)} real clips that it was never trained on, at most 1280x720, halved, 8 bit, border of 8 left out`,
    gains: {
      bicubic: gains.bicubic,
      area: gains.area,
      'bicubic, then x264 at crf 26': gains.compressed,
    },
  };
}
