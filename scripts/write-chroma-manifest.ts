/**
 * Writes what is measured into the manifest of the chroma networks: their facts, and their gains as `training/chroma_evaluate.py`
 * printed them.
 *
 *     npx tsx scripts/write-chroma-manifest.ts models/chroma training/evaluations/chroma.json
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { chromaManifestSchema } from '../src/infer/chroma/chroma-model.ts';
import { inspectChroma } from '../src/infer/chroma/inspect-chroma.ts';

const EVALUATION = z.record(
  z.string(),
  z.object({ clips: z.number(), means: z.record(z.string(), z.record(z.string(), z.number())) }),
);

const [folder, evaluation] = process.argv.slice(2);
if (folder === undefined || evaluation === undefined)
  throw new Error('usage: tsx scripts/write-chroma-manifest.ts models/chroma EVALUATION.json');
const file = path.join(folder, 'manifest.json');
const manifest = chromaManifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
const networks = await Promise.all(
  manifest.networks.map(async (network) => ({
    ...network,
    ...(await inspectChroma(path.join(folder, network.file))),
  })),
);
const measured = EVALUATION.parse(JSON.parse(await readFile(evaluation, 'utf8')));
const [clips = 0] = Object.values(measured).map((siting) => siting.clips);
const written = chromaManifestSchema.parse({
  ...manifest,
  measured: {
    on: `first and two later frames of ${String(clips)} real clips that they were never trained on, at most 1280x720, halved as their siting asks, 8 bit, border of 8 left out; compressed: after bicubic, x264 at crf 26`,
    gains: Object.fromEntries(Object.entries(measured).map(([siting, { means }]) => [siting, means])),
  },
  networks,
});
await writeFile(file, `${JSON.stringify(written, null, 2)}\n`);
