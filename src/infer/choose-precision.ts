import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { UpscaleError } from '../core/errors.ts';
import type { Decision } from '../core/notice.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { cacheByKey } from '../ffmpeg/disk-cache.ts';
import { listLadder, refuseUnasked } from './device-ladder.ts';
import type { Device, InferPlan, ModelFacts, Precision } from './infer-plan.ts';
import type { PrecisionMeasurement } from './measure-precision.ts';
import { addsByteProducts } from './processor.ts';

/** What networks shall compute in, and why. */
export interface PrecisionChoice {
  readonly precision: Precision;
  readonly decision: Decision;
}

/** Halves must make a device this much faster to be worth what they round away. */
const LEAST_GAIN = 1.15;
const CPU_DEVICES: readonly string[] = ['auto', 'cpu'];
const LARGEST_SIDE = 256;
/** Raised whenever what is measured changes. */
const MEASUREMENT = 'precision-1';

/** What `--precision` may ask for. */
export type AskedPrecision = 'auto' | 'fp32' | 'int8';

/**
 * Decides for all lanes of a run what networks compute in. Float16, where the device is an accelerator that takes it, gains by it,
 * and gives the same picture to one code value: both are measured, once for each network, device and size, and the answer is kept on disk. Int8, where the run
 * stays on a processor that is made for it, the networks have such weights, and frames have 8 bits: what it rounds is a small part of a code value of those.
 *
 * @param known - The models that the plan may take its passes from, with their weights of 8 bit
 * @returns null where it is float32 and there is no choice.
 * @throws UpscaleError `USAGE` where int8 is asked for and there is none
 */
export async function choosePrecision(
  plan: InferPlan,
  known: readonly ModelFacts[],
  asked: AskedPrecision = 'auto',
): Promise<PrecisionChoice | null> {
  if (asked === 'fp32') return null;
  const models = [...new Map(plan.passes.map((model) => [model.sha256, model])).values()];
  const twins = known.flatMap(({ sha256, int8 }) =>
    int8 !== undefined && models.some((model) => model.sha256 === sha256) ? [int8] : [],
  );
  if (asked === 'int8') return takeBytes(plan, twins.length > 0);
  const isFloat = models.every(({ elementType }) => elementType === 'float32');
  if (models.length === 0 || !isFloat) return null;
  const device = await findAccelerator(plan.device);
  if (device !== null) return chooseFor(device, plan, models);
  const isDeep = pixelFormat(plan.input.format).bits > 8;
  const mayTake = twins.length > 0 && twins.every(({ byItself }) => byItself);
  if (!mayTake || isDeep || !CPU_DEVICES.includes(plan.device) || !addsByteProducts()) return null;
  return decide('int8', 'this processor is made for it (VNNI); --precision fp32 computes in float32');
}

/** The same for a live source, whose models are tried when it is open: nothing but what is known before. */
export async function chooseLivePrecision(
  device: InferPlan['device'],
  asked: AskedPrecision,
): Promise<Precision> {
  if (asked !== 'auto' || !CPU_DEVICES.includes(device)) return asked === 'int8' ? 'int8' : 'fp32';
  return addsByteProducts() && (await findAccelerator(device)) === null ? 'int8' : 'fp32';
}

/** The facts of a network with the weights that a precision takes. */
export function takePrecision({ int8, ...facts }: ModelFacts, precision: Precision): ModelFacts {
  return precision === 'int8' && int8 !== undefined
    ? { ...facts, path: int8.path, sha256: int8.sha256 }
    : facts;
}

/** A network by each kind of weights that it has, as models of their own. */
export function listKinds(facts: ModelFacts): ModelFacts[] {
  const full = takePrecision(facts, 'fp32');
  return facts.int8 === undefined
    ? [full]
    : [full, { ...takePrecision(facts, 'int8'), id: `${facts.id} int8` }];
}

function takeBytes(plan: InferPlan, hasBytes: boolean): PrecisionChoice {
  if (hasBytes && plan.device === 'cpu') return decide('int8', 'as asked');
  throw new UpscaleError(
    'USAGE',
    hasBytes
      ? `Networks of int8 run on the CPU, not on ${plan.device}.`
      : 'The model has no weights of int8.',
    {
      hint: 'Leave --precision out, or give it with --device cpu and a model that `upreel models show` tells has them.',
    },
  );
}

/** The first device of the ladder that works and is not the CPU. */
async function findAccelerator(asked: InferPlan['device']): Promise<Device | null> {
  const candidates = listLadder(asked).filter(
    (device) => device !== 'cpu' && (asked !== 'auto' || refuseUnasked(device) === null),
  );
  if (candidates.length === 0) return null;
  // It needs onnxruntime, which a run on the CPU does not load in the main thread.
  const { tryDevice } = await import('./devices.ts');
  for (const device of candidates) if ((await tryDevice(device)) === null) return device;
  return null;
}

async function chooseFor(
  device: Device,
  plan: InferPlan,
  models: readonly ModelFacts[],
): Promise<PrecisionChoice> {
  const { tryDevice } = await import('./devices.ts');
  const refusal = await tryDevice(device, 'fp16');
  if (refusal !== null) return decide('fp32', `${device} cannot compute in float16: ${refusal}`);
  return decideFor(device, plan, models);
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
