import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureModel, TestClips } from '../../bench/model-gains.ts';
import { embeddedTools } from '../ffmpeg/tool-sets.ts';
import { listKinds } from '../../src/infer/choose-precision.ts';
import { readManifest } from '../../src/infer/manifest.ts';
import { readModelFile } from '../../src/infer/read-model.ts';

/** Gains in dB may be this much smaller than the manifest says: other versions of x264 and other processors round differently. */
const ALLOWANCE = 0.05;

/** What weights of int8 may cost, in dB. */
const INT8_LOSS = 0.1;

const root = fileURLToPath(new URL('../..', import.meta.url));
const clips = await TestClips.list(path.join(root, 'samples/truth'), await embeddedTools());
const entries = await readdir(path.join(root, 'models'), { withFileTypes: true });
const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
const models = await Promise.all(names.map((name) => readManifest(path.join(root, 'models', name))));
/** Without those that are a part that others use; they have tests of their own. */
const networks = models
  .filter((model) => model !== null)
  .flatMap(({ facts, larger, manifest }) =>
    [facts, ...larger].flatMap((one, i) => {
      const part = i === 0 ? manifest : manifest.larger[i - 1];
      const stated = [part?.measuredOnSamples, part?.int8?.measuredOnSamples].map(
        (table) => table?.gains ?? {},
      );
      return listKinds(one).map((kind, k) => ({
        facts: kind,
        stated: stated[k] ?? {},
        full: stated[0] ?? {},
      }));
    }),
  );

/** ffmpeg is started a hundred times to make the pictures, and a network of the largest kind goes over them. */
const PATIENCE_MS = 600_000;

beforeAll(async () => {
  await clips.quality(2);
  await clips.recorded(2);
}, PATIENCE_MS);

describe('shipped models', { timeout: PATIENCE_MS }, () => {
  it.each(networks)(
    '$facts.id is what its manifest says, and gains as much',
    async ({ facts, stated, full }) => {
      expect((await readModelFile(facts.path ?? '')).sha256).toBe(facts.sha256);
      const { recorded, ...gains } = await measureModel(facts, clips, { recordings: true });
      const measured = Object.entries({ ...gains, ...recorded?.overLanczos });
      // A model without them was not measured: npx tsx scripts/measure-models.ts.
      expect(Object.keys(stated).sort()).toEqual(
        measured
          .map(([degradation]) => degradation)
          .filter((degradation) => degradation !== 'clean')
          .sort(),
      );
      for (const [degradation, gain] of measured) {
        if (degradation === 'clean') continue;
        expect(gain, degradation).toBeGreaterThan((stated[degradation] ?? 0) - ALLOWANCE);
        expect(stated[degradation], degradation).toBeGreaterThan((full[degradation] ?? 0) - INT8_LOSS);
      }
    },
  );
});
