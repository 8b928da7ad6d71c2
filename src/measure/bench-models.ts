import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { throwIfAborted, UpscaleError, type ErrorCode } from '../core/errors.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { Device, ModelFacts } from '../infer/infer-plan.ts';
import {
  makeQualityTests,
  measureGains,
  summariseGains,
  type QualityGains,
  type QualityTest,
} from './model-quality.ts';
import { listKinds, takePrecision } from '../infer/choose-precision.ts';
import { timeModel, type ModelSpeed, type SpeedOptions } from './model-speed.ts';

export interface BenchOptions extends SpeedOptions {
  readonly tools: FfmpegTools;
  /** What the speed of all is told by; timed too where it is not among the models. @defaultValue the fastest of the models */
  readonly reference?: ModelFacts | undefined;
  /** Folder of clips. @defaultValue `samples/truth` of Upreel */
  readonly clips?: string | undefined;
  /** Called with what is measured next. */
  readonly onStep?: ((text: string) => void) | undefined;
}

/** What was found of one model. Plain JSON. */
export interface BenchedModel {
  readonly id: string;
  readonly scale: number;
  /** Null where it could not be run. */
  readonly device: Device | null;
  /** Milliseconds for a frame, the median. */
  readonly milliseconds: number | null;
  /** How many times faster than 25 frames a second. */
  readonly realTime: number | null;
  /** Its time over that of {@link BenchReport.reference}. */
  readonly ratio: number | null;
  /** dB of luma over ffmpeg's Lanczos; null without clips. */
  readonly gains: QualityGains | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** Plain JSON. */
export interface BenchReport {
  readonly machine: { readonly cpu: string; readonly cores: number };
  readonly size: string;
  readonly threads: number;
  /** Id of the model that `ratio` is against. */
  readonly reference: string | null;
  /** Names of the clips that quality was measured on. */
  readonly clips: readonly string[];
  readonly models: readonly BenchedModel[];
}

const REAL_TIME_MS = 1000 / 25;
const OWN_CLIPS = fileURLToPath(new URL('../../samples/truth', import.meta.url));

/**
 * Measures how fast models are here, and what they gain over Lanczos on clips that are shrunk by each one's own scale; those that have weights of
 * int8 twice. What fails for one model stands in its row.
 *
 * @throws UpscaleError `ABORTED`, `SOURCE_DAMAGED`, `FFMPEG_FAILED`
 */
export async function benchModels(
  listed: readonly ModelFacts[],
  options: BenchOptions,
): Promise<BenchReport> {
  const { tools, reference, clips: folder = OWN_CLIPS, onStep, signal, ...speedOptions } = options;
  const timing = { ...speedOptions, signal };
  const clips = await listClips(folder);
  const speeds = new Map<ModelFacts, ModelSpeed>();
  const failures = new Map<ModelFacts, UpscaleError>();
  const gains = new Map<ModelFacts, QualityGains>();
  const attempt = async (model: ModelFacts, what: string, work: () => Promise<void>): Promise<void> => {
    if (failures.has(model)) return;
    throwIfAborted(signal);
    onStep?.(`${what} of ${model.id}`);
    try {
      await work();
    } catch (error) {
      throwIfAborted(signal);
      failures.set(model, UpscaleError.from(error));
    }
  };

  const onCpu = options.device === 'auto' || options.device === 'cpu';
  const models = listed.flatMap((model) => (onCpu ? listKinds(model) : [takePrecision(model, 'fp32')]));
  const known = models.find(({ sha256, id }) => sha256 === reference?.sha256 && id === reference.id);
  const timed = known === undefined && reference !== undefined ? [...models, reference] : models;
  for (const model of timed) {
    await attempt(model, 'speed', async () => void speeds.set(model, await timeModel(model, timing)));
  }
  const tests = new Map<number, QualityTest[]>();
  for (const model of clips.length === 0 ? [] : models) {
    const factor = model.kind === 'resample' ? 2 : model.scale;
    if (!tests.has(factor)) {
      onStep?.(`clips shrunk ${factor} times`);
      tests.set(factor, await makeAllTests(clips, { tools, factor, signal }));
    }
    const own = tests.get(factor) ?? [];
    await attempt(model, 'quality', async () => {
      gains.set(model, summariseGains(own, await measureGains(model, own, timing)));
    });
  }

  const against = known ?? reference ?? findFastest(speeds);
  const unit = against === undefined ? undefined : speeds.get(against);
  return {
    machine: { cpu: os.cpus()[0]?.model.trim() ?? 'unknown', cores: os.availableParallelism() },
    size: `${options.width}x${options.height}`,
    threads: options.threads,
    reference: unit === undefined ? null : (against?.id ?? null),
    clips: clips.map((clip) => path.basename(clip)),
    models: models.map((model) => {
      const speed = speeds.get(model);
      const failure = failures.get(model);
      return {
        id: model.id,
        scale: model.scale,
        device: speed?.device ?? null,
        milliseconds: speed === undefined ? null : round(speed.median),
        realTime: speed === undefined ? null : round(REAL_TIME_MS / speed.median),
        ratio: speed === undefined || unit === undefined ? null : round(speed.least / unit.least),
        gains: roundAll(gains.get(model)),
        error: failure === undefined ? null : { code: failure.code, message: failure.message },
      };
    }),
  };
}

/** Files of a folder, notes left out; none where there is no folder. */
async function listClips(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => !name.endsWith('.md'))
    .sort()
    .map((name) => path.join(folder, name));
}

async function makeAllTests(
  clips: readonly string[],
  options: Parameters<typeof makeQualityTests>[1],
): Promise<QualityTest[]> {
  const tests: QualityTest[] = [];
  for (const clip of clips) tests.push(...(await makeQualityTests(clip, options)));
  return tests;
}

function findFastest(speeds: ReadonlyMap<ModelFacts, ModelSpeed>): ModelFacts | undefined {
  return [...speeds].sort(([, a], [, b]) => a.least - b.least)[0]?.[0];
}

function roundAll(gains: QualityGains | undefined): QualityGains | null {
  if (gains === undefined) return null;
  const { bicubic, area, compressed, clean } = gains;
  return {
    bicubic: round(bicubic),
    area: round(area),
    compressed: round(compressed),
    clean: round(clean),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
