/**
 * Writes what is measured into a model's manifest: its facts, found by running it, and its gains as `training/evaluate.py` printed them.
 *
 *     npx tsx scripts/write-manifest.ts models/NAME [EVALUATION.json]
 *
 * The evaluation has the gains of NAME, and of NAME-x3 and so on for the files of larger scales that the manifest names.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { ModelFacts } from '../src/infer/infer-plan.ts';
import { inspectModel } from '../src/infer/inspect-model.ts';
import { manifestSchema } from '../src/infer/manifest.ts';

const GAINS = z.record(
  z.string(),
  z.object({
    clips: z.number(),
    bicubic: z.number(),
    area: z.number(),
    compressed: z.number().optional(),
  }),
);

const [folder, evaluation] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('usage: tsx scripts/write-manifest.ts models/NAME [EVALUATION.json]');
const file = path.join(folder, 'manifest.json');
const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
const gains = evaluation === undefined ? {} : GAINS.parse(JSON.parse(await readFile(evaluation, 'utf8')));
const own = await describeNetwork(manifest, (id) => id);
const larger: unknown[] = [];
for (const part of z.array(z.looseObject({})).default([]).parse(manifest.larger))
  larger.push(await describeNetwork(part, (id, scale) => `${id}-x${String(scale)}`));
const written = manifestSchema.parse({ ...own, larger });
await writeFile(file, `${JSON.stringify(written, null, 2)}\n`);

async function describeNetwork(
  part: Readonly<Record<string, unknown>>,
  nameKey: (id: string, scale: number) => string,
): Promise<Record<string, unknown>> {
  const facts = await inspectModel(path.join(String(folder), String(part.file)));
  const found = gains[nameKey(String(manifest.id), facts.scale)];
  const int8 = z.looseObject({ file: z.string() }).optional().parse(part.int8);
  const twin = int8 && { ...int8, sha256: (await inspectModel(path.join(String(folder), int8.file))).sha256 };
  return {
    ...part,
    ...(twin && { int8: twin }),
    facts,
    ...(found === undefined ? {} : { measured: describeGains(found, facts) }),
  };
}

function describeGains(
  { clips, bicubic, area, compressed }: z.infer<typeof GAINS>[string],
  { scale, channels }: Pick<ModelFacts, 'scale' | 'channels'>,
): z.infer<typeof manifestSchema>['measured'] {
  const shrunk = scale === 2 ? 'halved' : `shrunk to a ${scale === 3 ? 'third' : 'quarter'}`;
  return {
    against: 'Lanczos of ffmpeg',
    on: `first and two later frames of ${String(clips)} real clips that it was never trained on, at most 1280x720, ${shrunk}, 8 bit${channels === 3 ? ', in RGB' : ''}, border of 8 left out`,
    gains: {
      bicubic,
      area,
      ...(compressed === undefined ? {} : { 'bicubic, then x264 at crf 26': compressed }),
    },
  };
}
