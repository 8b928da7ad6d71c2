import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UpscaleError } from '../src/core/errors.ts';
import type { ModelFacts } from '../src/infer/infer-plan.ts';
import { listKinds } from '../src/infer/choose-precision.ts';
import { loadRegistry } from '../src/infer/registry.ts';
import { MEDIA } from './camcorder-tests.ts';
import { findTruths, isFolder, tools } from './clips.ts';
import {
  measureDenoiser,
  measureModel,
  TestClips,
  type ModelGains,
  type RecordedGains,
} from './model-gains.ts';
import { timeModels, type ModelTime } from './model-times.ts';

export interface ModelRow {
  readonly model: string;
  /** Null for filters, which enlarge by any factor. */
  readonly scale: number | null;
  /** Mean gains in dB; null for the denoiser, which has no business with clean pictures. */
  readonly gains: Omit<ModelGains, 'recorded'> | null;
  readonly recorded: RecordedGains | null;
  /** CPU milliseconds of one 640x360 frame, and the least of them over the yardstick's. */
  readonly time: ModelTime | null;
}

export interface ModelBench {
  readonly clips: readonly string[];
  readonly rounds: number;
  readonly rows: readonly ModelRow[];
  /** Files that are no models of ours, with the reason. */
  readonly refused: readonly { readonly model: string; readonly reason: string }[];
}

/** What a user would take instead; the first is what all gains are told by. */
const FILTERS = ['lanczos', 'bicubic'] as const;
const OWN_MODELS = fileURLToPath(new URL('../models', import.meta.url));
const SHARED_MODELS = fileURLToPath(new URL('../../shared/models/community', import.meta.url));

/**
 * `npm run bench -- models [--clips FOLDER] [--community FOLDER] [--rounds N] [MODEL...]`: gains and times of shipped models, filters and
 * other people's models on the same frames. Without names, of all.
 */
export async function benchModels(args: readonly string[]): Promise<ModelBench> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      clips: { type: 'string' },
      community: { type: 'string' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const clips = await TestClips.list(values.clips ?? (await findTruths()), tools);
  const registry = await loadRegistry({ directories: [OWN_MODELS] });
  const own = registry.list().map(({ id }) => id);
  const community =
    values.community ?? (positionals.length === 0 && (await isFolder(SHARED_MODELS)) ? SHARED_MODELS : null);
  const others = community === null ? [] : await listModelFiles(community);
  const names = [...FILTERS, ...(positionals.length > 0 ? positionals : own), ...others];

  const models: ModelFacts[] = [];
  const refused: { model: string; reason: string }[] = [];
  for (const name of new Set(names)) {
    try {
      models.push(...listKinds(await registry.resolve(name)));
    } catch (error) {
      refused.push({ model: path.basename(name), reason: explain(error) });
    }
  }
  const rows: ModelRow[] = [];
  for (const model of models) {
    const recordings =
      model.kind === 'resample' || own.includes(baseOf(model)) || positionals.includes(baseOf(model));
    console.error(`measuring ${model.id}`);
    try {
      const { recorded, ...gains } = await measureModel(model, clips, { recordings });
      rows.push({
        model: model.id,
        scale: model.kind === 'resample' ? null : model.scale,
        gains,
        recorded,
        time: null,
      });
    } catch (error) {
      refused.push({ model: model.id, reason: explain(error) });
    }
  }
  const rounds = Number(values.rounds);
  const timed = await timeRows(rows, models, rounds);
  const denoiser = { model: 'hqdn3d, then lanczos', scale: null, gains: null, time: null };
  return {
    clips: clips.files.map((file) => path.basename(file)),
    rounds,
    rows: [...timed, { ...denoiser, recorded: await measureDenoiser(clips) }],
    refused,
  };
}

/** The id of the model that has weights of int8 too. */
function baseOf({ id }: ModelFacts): string {
  return id.replace(/ int8$/, '');
}

/** A row of the table that people read; gains are in dB. */
export function describeRow({ model, scale, gains, recorded, time }: ModelRow): Record<string, string> {
  const written = (value: number | undefined): string =>
    value === undefined ? '' : `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
  const media = MEDIA.flatMap((medium) => [
    [medium, written(recorded?.overLanczos[medium])],
    [`${medium} over hqdn3d`, written(recorded?.overDenoised[medium])],
  ]);
  return {
    model,
    scale: scale === null ? '' : String(scale),
    bicubic: written(gains?.bicubic),
    area: written(gains?.area),
    clean: written(gains?.clean),
    compressed: written(gains?.compressed),
    ...(Object.fromEntries(media) as Record<string, string>),
    ms: time === null ? '' : time.least.toFixed(0),
    'x yardstick': time === null ? '' : time.ratio.toFixed(2),
  };
}

/** Gives rows their times, all taken in one run. */
async function timeRows(
  rows: readonly ModelRow[],
  models: readonly ModelFacts[],
  rounds: number,
): Promise<ModelRow[]> {
  const measured = models.filter(({ id }) => rows.some(({ model }) => model === id));
  console.error(`timing ${measured.length} models`);
  const times = await timeModels(measured, rounds);
  return rows.map((row) => ({
    ...row,
    time: times[measured.findIndex(({ id }) => id === row.model)] ?? null,
  }));
}

/** Files of `folder` and of the folders in it that may be models: of a pair of files, the one that holds the graph. */
async function listModelFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(onnx|pth|pt|ckpt|safetensors|param)$/i.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function explain(error: unknown): string {
  if (error instanceof UpscaleError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
