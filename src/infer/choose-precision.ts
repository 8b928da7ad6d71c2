import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { Decision } from '../core/notice.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { cacheByKey } from '../ffmpeg/disk-cache.ts';
import { listLadder, refuseUnasked } from './device-ladder.ts';
import type { Device, InferPlan, ModelFacts, Precision } from './infer-plan.ts';
import type { PrecisionMeasurement } from './measure-precision.ts';

/** What networks shall compute in, and why. */
export interface PrecisionChoice {
  readonly precision: Precision;
  readonly decision: Decision;
}

/** Halves must make a device this much faster to be worth what they round away. */
const LEAST_GAIN = 1.15;
const LARGEST_SIDE = 256;
/** Raised whenever what is measured changes. */
const MEASUREMENT = 'precision-1';

/**
 * Decides for all lanes of a run whether networks compute in float16: where the device is an accelerator that takes it, gains by it,
 * and gives the same picture to one code value. Both are measured, once for each network, device and size; the answer is kept on disk.
 *
 * @returns null where the run stays on the CPU, which always computes in float32, or has no network that could be converted.
 */
export async function choosePrecision(plan: InferPlan): Promise<PrecisionChoice | null> {
  const models = [...new Map(plan.passes.map((model) => [model.sha256, model])).values()];
  const isFloat = models.every(({ elementType }) => elementType === 'float32');
  if (models.length === 0 || !isFloat) return null;
  const candidates = listLadder(plan.device).filter(
    (device) => device !== 'cpu' && (plan.device !== 'auto' || refuseUnasked(device) === null),
  );
  if (candidates.length === 0) return null;
  // It needs onnxruntime, which a run on the CPU does not load in the main thread.
  const { tryDevice } = await import('./devices.ts');
  for (const device of candidates) {
    if ((await tryDevice(device)) !== null) continue;
    const refusal = await tryDevice(device, 'fp16');
    if (refusal !== null) return decide('fp32', `${device} cannot compute in float16: ${refusal}`);
    return decideFor(device, plan, models);
  }
  return null;
}

async function decideFor(
  device: Device,
  plan: InferPlan,
  models: readonly ModelFacts[],
): Promise<PrecisionChoice> {
  const side = chooseSide(plan.input);
  let [full, half, worst] = [0, 0, 0];
  for (const model of models) {
    const measured = await recall(device, model, side);
    if ('failure' in measured)
      return decide('fp32', `${model.id} does not run in float16: ${measured.failure}`);
    full += measured.fullMilliseconds;
    half += measured.halfMilliseconds;
    worst = Math.max(worst, measured.worst);
  }
  const gain = `${device} is ${(full / half).toFixed(2)} times as fast in float16`;
  const white = 2 ** pixelFormat(plan.output.format).bits - 1;
  if (full / half < LEAST_GAIN) return decide('fp32', gain);
  if (worst * white > 1) {
    return decide('fp32', `${gain}, but results differ by up to ${(worst * white).toFixed(1)} code values`);
  }
  return decide('fp16', `${gain}, and results differ by no more than a code value`);
}

async function recall(device: Device, model: ModelFacts, side: number): Promise<PrecisionMeasurement> {
  return cacheByKey(MEASUREMENT, [model.sha256, device, side, describeAdapters()], async () => {
    const { measurePrecision } = await import('./measure-precision.ts');
    return measurePrecision(model, device, side);
  });
}

/** The class of sizes that a picture belongs to: the largest power of two that fits, up to where accelerators are busy. */
function chooseSide({ width, height }: InferPlan['input']): number {
  return Math.min(LARGEST_SIDE, 2 ** Math.floor(Math.log2(Math.max(32, Math.min(width, height)))));
}

function decide(precision: Precision, reason: string): PrecisionChoice {
  return { precision, decision: { topic: 'precision', choice: precision, reason } };
}

/** What tells this machine's GPUs from others: on Linux their numbers, and everywhere the version of onnxruntime's driver choice. */
function describeAdapters(): readonly string[] {
  const drivers = [process.platform, process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? ''];
  try {
    const cards = readdirSync('/sys/class/drm').filter((name) => /^card\d+$/.test(name));
    const read = (card: string, file: string): string =>
      readFileSync(`/sys/class/drm/${card}/device/${file}`, 'utf8').trim();
    return [...drivers, ...cards.map((card) => `${read(card, 'vendor')}:${read(card, 'device')}`)];
  } catch {
    return drivers;
  }
}
