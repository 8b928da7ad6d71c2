import { createHash } from 'node:crypto';
import { readFile, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { decisionSchema, type Decision } from '../core/notice.ts';
import { cacheDirectory, limitFolder, writeWhole } from '../ffmpeg/disk-cache.ts';
import { averageOutputs } from './graph/average-outputs.ts';
import { interpolateWeights } from './graph/interpolate-weights.ts';
import { writeOnnx, type OnnxModel } from './graph/onnx-model.ts';
import { modelFactsSchema, type ModelFacts } from './infer-plan.ts';
import { inspectModel } from './inspect-model.ts';
import { measureDrift } from './measure-drift.ts';
import { parseModel, readModelFile } from './read-model.ts';

export interface BlendPart {
  readonly facts: ModelFacts;
  /** Positive; those of all parts sum to 1. */
  readonly weight: number;
}

export interface BlendedModel {
  readonly facts: ModelFacts;
  /** Whether weights or results were averaged, and why. */
  readonly decision: Decision;
}

/** Raised whenever the same parts would give another network. */
const BLEND_VERSION = 1;
const MOST_BYTES = 1024 ** 3;
/** No run that was planned with a blend opens its last lane later than this. */
const YOUNGEST_MS = 24 * 60 * 60 * 1000;
/** Mixed weights that are further from the mean of the results than this, in units of white, are no network between the others. */
const MOST_DRIFT = 0.02;

const recordSchema = z.object({ facts: modelFactsSchema, decision: decisionSchema });

/**
 * Makes one model of several: their weights are averaged where they are built alike and were trained from one another, else their
 * results. It is kept in the cache folder by the parts' contents and weights, so that later runs and all lanes find the same file.
 *
 * @throws UpscaleError `MODEL_INVALID` where neither can be done, with the reason; `MODEL_NOT_FOUND`
 */
export async function blendModels(
  parts: readonly BlendPart[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<BlendedModel> {
  const files = await Promise.all(parts.map(({ facts }) => readModelFile(facts.path ?? '')));
  const decisive = [BLEND_VERSION, parts.map(({ weight }, i) => [files[i]?.sha256, weight])];
  const key = createHash('sha256').update(JSON.stringify(decisive)).digest('hex');
  const id = parts.map(({ facts, weight }) => `${facts.id}:${Number(weight.toFixed(3))}`).join(',');
  const folders = [cacheDirectory(), path.join(os.tmpdir(), 'upreel')].map((base) =>
    path.join(base, 'blends'),
  );
  for (const folder of folders) {
    const kept = await readKept(folder, key);
    if (kept !== null) return { facts: { ...kept.facts, id }, decision: { ...kept.decision, choice: id } };
  }
  throwIfAborted(options.signal);
  const models = await Promise.all(files.map(parseModel));
  const made = await makeBlend(parts, models, id);
  const bytes = writeOnnx(made.model);
  const file = await place(folders, key, bytes);
  const facts = made.facts ?? (await inspectModel(file, options));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const blended = {
    facts: { ...facts, id, path: file, sha256 },
    decision: { topic: 'blend', choice: id, reason: made.reason },
  };
  await writeWhole(file.replace(/\.onnx$/, '.json'), JSON.stringify(blended));
  await limitFolder(path.dirname(file), MOST_BYTES, YOUNGEST_MS);
  return blended;
}

async function readKept(folder: string, key: string): Promise<z.infer<typeof recordSchema> | null> {
  const stem = path.join(folder, key);
  try {
    const record = recordSchema.parse(JSON.parse(await readFile(`${stem}.json`, 'utf8')));
    const { sha256 } = await readModelFile(`${stem}.onnx`);
    if (sha256 !== record.facts.sha256) return null;
    const now = new Date();
    await Promise.all(['json', 'onnx'].map((end) => utimes(`${stem}.${end}`, now, now))).catch(
      () => undefined,
    );
    return { ...record, facts: { ...record.facts, path: `${stem}.onnx` } };
  } catch {
    return null;
  }
}

/** Writes the network into the first folder that takes it. */
async function place(folders: readonly string[], key: string, bytes: Uint8Array): Promise<string> {
  let failure: unknown;
  for (const folder of folders) {
    const file = path.join(folder, `${key}.onnx`);
    try {
      await writeWhole(file, bytes);
      return file;
    } catch (error) {
      failure = error;
    }
  }
  throw new UpscaleError('OUTPUT_UNWRITABLE', 'The averaged model cannot be written to the cache folder.', {
    cause: failure,
    hint: 'Let XDG_CACHE_HOME name a folder that you may write to.',
  });
}

interface MadeBlend {
  readonly model: OnnxModel;
  /** Null where they are still to be found out. */
  readonly facts: ModelFacts | null;
  readonly reason: string;
}

async function makeBlend(
  parts: readonly BlendPart[],
  models: readonly OnnxModel[],
  id: string,
): Promise<MadeBlend> {
  const joined = parts.flatMap((part, i) => {
    const model = models[i];
    return model === undefined ? [] : [{ ...part, model }];
  });
  const mixed = findUnlikeEnds(parts) ?? interpolateWeights(joined);
  let because: string;
  if ('difference' in mixed) {
    because = `the networks are built differently: ${mixed.difference}`;
  } else {
    const [first] = parts;
    const facts = first === undefined ? null : first.facts;
    const drift = await measureDrift(mixed, joined);
    if (drift <= MOST_DRIFT) {
      return { model: mixed, facts, reason: 'the weights are averaged, since the networks are built alike' };
    }
    because = `the networks are built alike but were not trained from one another: with mixed weights the result is off by ${Math.round(drift * 100)} %`;
  }
  const averaged = averageOutputs(joined);
  if ('obstacle' in averaged) {
    throw new UpscaleError('MODEL_INVALID', `${id} cannot be averaged: ${averaged.obstacle}.`, {
      details: because,
      hint: 'Average models that enlarge as much and take as many channels, or chain them as a+b.',
    });
  }
  return { model: averaged, facts: null, reason: `the results are averaged, since ${because}` };
}

/** Where ends differ, numbers mean something else, and weights cannot be mixed. */
function findUnlikeEnds(parts: readonly BlendPart[]): { difference: string } | null {
  for (const key of ['scale', 'channels', 'layout', 'range', 'elementType'] as const) {
    const values = new Set(parts.map(({ facts }) => facts[key]));
    if (values.size > 1) return { difference: `their ${key} is ${[...values].join(' and ')}` };
  }
  return null;
}
