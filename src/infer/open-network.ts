import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { listLadder, refuseUnasked } from './device-ladder.ts';
import { describeFailure, tryDevice, type DeviceAttempt, type DeviceReport } from './devices.ts';
import type { PlaneEnds } from './graph/compose-ends.ts';
import type { PassLayout } from './infer-layout.ts';
import type { Device, InferPlan } from './infer-plan.ts';
import type { Session } from './onnxruntime.ts';
import { openComposed } from './open-composed.ts';
import { readModelFile, type ModelFile } from './read-model.ts';

export interface OpenNetworks {
  /** One a pass; passes with the same ends share theirs. */
  readonly sessions: readonly Session[];
  readonly device: DeviceReport;
}

/**
 * Opens the networks of all passes on the first device of the ladder that takes them. What did not is in the report.
 *
 * @throws UpscaleError `DEVICE_UNAVAILABLE` where a device that was asked for by name does not work, `MODEL_INVALID` where not
 * even the CPU takes the graph, `MODEL_NOT_FOUND`
 */
export async function openNetworks(
  plan: InferPlan,
  passes: readonly PassLayout[],
  logger: Logger,
): Promise<OpenNetworks> {
  const files = await readFiles(passes);
  const tried: DeviceAttempt[] = [];
  for (const device of listLadder(plan.device)) {
    const doubt = plan.device === 'auto' ? refuseUnasked(device) : null;
    const failure = doubt ?? (await tryDevice(device));
    if (failure !== null) {
      tried.push({ device, error: failure });
      continue;
    }
    try {
      const sessions = await openAll(plan, passes, files, device);
      logger.debug(`Networks run on ${device}`);
      const precision = device === 'cpu' ? 'fp32' : plan.precision;
      return { sessions, device: { asked: plan.device, used: device, precision, tried } };
    } catch (error) {
      if (error instanceof UpscaleError) throw error;
      if (device === 'cpu') throw refuseModel(passes, error);
      tried.push({ device, error: describeFailure(error) });
    }
  }
  const last = tried.at(-1);
  throw new UpscaleError(
    'DEVICE_UNAVAILABLE',
    `The device ${plan.device} does not work here: ${last?.error ?? 'nothing is known of it'}.`,
    { hint: 'Let `--device auto` choose, or see what `upreel doctor` lists.' },
  );
}

function refuseModel(passes: readonly PassLayout[], error: unknown): UpscaleError {
  const model = passes[0]?.model;
  return new UpscaleError('MODEL_INVALID', `The model ${model?.path ?? ''} cannot be run.`, {
    cause: error,
    details: error instanceof Error ? error.message : String(error),
    hint: 'The graph may use operators that onnxruntime does not know; export it again for ONNX operator set 17.',
  });
}

async function readFiles(passes: readonly PassLayout[]): Promise<Map<string, ModelFile>> {
  const files = new Map<string, ModelFile>();
  for (const { model } of passes) {
    if (model.path === null || files.has(model.path)) continue;
    const file = await readModelFile(model.path);
    if (model.sha256 !== null && file.sha256 !== model.sha256) {
      throw new UpscaleError(
        'MODEL_INVALID',
        `The model ${model.path} is not the file that was planned with.`,
        {
          hint: 'It changed on disk: plan again.',
        },
      );
    }
    files.set(model.path, file);
  }
  return files;
}

async function openAll(
  plan: InferPlan,
  passes: readonly PassLayout[],
  files: ReadonlyMap<string, ModelFile>,
  device: Device,
): Promise<Session[]> {
  const open = new Map<string, Session>();
  const sessions: Session[] = [];
  try {
    for (const { model, planes, inputBits, outputBits } of passes) {
      const ends: PlaneEnds = {
        inputPlanes: planes.input,
        outputPlanes: planes.output,
        inputBits,
        outputBits,
        fullRange: plan.input.color.range === 'pc',
        shuffleBytes: device === 'cpu',
      };
      const key = JSON.stringify([model.path, ends]);
      let session = open.get(key);
      if (session === undefined) {
        const file = files.get(model.path ?? '');
        if (file === undefined) throw new UpscaleError('INTERNAL', `A pass of ${model.id} has no network.`);
        const precision = device === 'cpu' ? 'fp32' : plan.precision;
        session = await openComposed({
          ...{ file, facts: model, ends, device, precision },
          threads: plan.threads,
        });
        open.set(key, session);
      }
      sessions.push(session);
    }
  } catch (error) {
    await Promise.all([...open.values()].map((session) => session.close()));
    throw error;
  }
  return sessions;
}
