import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { ChromaPassLayout } from './chroma/chroma-layout.ts';
import { listLadder, refuseUnasked } from './device-ladder.ts';
import { describeFailure, tryDevice, type DeviceAttempt, type DeviceReport } from './devices.ts';
import type { InferLayout, PassLayout } from './infer-layout.ts';
import type { Device, InferPlan, Precision } from './infer-plan.ts';
import type { Session } from './onnxruntime.ts';
import { openComposed, type ComposedChroma, type ComposedModel } from './open-composed.ts';
import { readModelFile, type ModelFile } from './read-model.ts';

export interface OpenNetworks {
  /** One a pass; passes with the same ends share theirs. */
  readonly sessions: readonly Session[];
  /** One a chroma pass, in the same way. */
  readonly chromaSessions: readonly Session[];
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
  layout: Pick<InferLayout, 'passes' | 'chroma'>,
  logger: Logger,
): Promise<OpenNetworks> {
  const { passes } = layout;
  const files = await readFiles([
    ...passes.map(({ model }) => model),
    ...(plan.chroma === null ? [] : [plan.chroma.network]),
  ]);
  const tried: DeviceAttempt[] = [];
  for (const device of listLadder(plan.device)) {
    const doubt = plan.device === 'auto' ? refuseUnasked(device) : null;
    const failure = doubt ?? (await tryDevice(device));
    if (failure !== null) {
      tried.push({ device, error: failure });
      continue;
    }
    try {
      const sessions = await openAll(plan, layout, files, device);
      logger.debug(`Networks run on ${device}`);
      const precision = precisionOn(device, plan);
      return { ...sessions, device: { asked: plan.device, used: device, precision, tried } };
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

/** The CPU computes in float32 where accelerators were meant to take halves. */
function precisionOn(device: Device, { precision }: InferPlan): Precision {
  return device === 'cpu' && precision === 'fp16' ? 'fp32' : precision;
}

function refuseModel(passes: readonly PassLayout[], error: unknown): UpscaleError {
  const model = passes[0]?.model;
  return new UpscaleError('MODEL_INVALID', `The model ${model?.path ?? ''} cannot be run.`, {
    cause: error,
    details: error instanceof Error ? error.message : String(error),
    hint: 'The graph may use operators that onnxruntime does not know; export it again for ONNX operator set 17.',
  });
}

async function readFiles(
  networks: readonly { readonly path: string | null; readonly sha256: string | null }[],
): Promise<Map<string, ModelFile>> {
  const files = new Map<string, ModelFile>();
  for (const { path, sha256 } of networks) {
    if (path === null || files.has(path)) continue;
    const file = await readModelFile(path);
    if (sha256 !== null && file.sha256 !== sha256) {
      throw new UpscaleError('MODEL_INVALID', `The model ${path} is not the file that was planned with.`, {
        hint: 'It changed on disk: plan again.',
      });
    }
    files.set(path, file);
  }
  return files;
}

async function openAll(
  plan: InferPlan,
  layout: Pick<InferLayout, 'passes' | 'chroma'>,
  files: ReadonlyMap<string, ModelFile>,
  device: Device,
): Promise<Pick<OpenNetworks, 'sessions' | 'chromaSessions'>> {
  const open = new Map<string, Session>();
  const { threads } = plan;
  const traits = { fullRange: plan.input.color.range === 'pc', shuffleBytes: device === 'cpu' };
  const openOnce = async (
    path: string | null,
    network: Omit<ComposedModel, 'file'> | Omit<ComposedChroma, 'file'>,
  ): Promise<Session> => {
    const key = JSON.stringify([path, network.ends]);
    const known = open.get(key);
    if (known !== undefined) return known;
    const file = files.get(path ?? '');
    if (file === undefined) throw new UpscaleError('INTERNAL', 'A pass has no network.');
    const session = await openComposed({ ...network, file });
    open.set(key, session);
    return session;
  };
  const openLuma = ({ model, planes, inputBits, outputBits }: PassLayout): Promise<Session> => {
    const ends = {
      ...{ inputPlanes: planes.input, outputPlanes: planes.output },
      ...{ inputBits, outputBits, ...traits },
    };
    const precision = precisionOn(device, plan);
    return openOnce(model.path, { facts: model, ends, device, precision, threads });
  };
  const openChroma = ({ network, inputBits, outputBits }: ChromaPassLayout): Promise<Session> =>
    openOnce(network.path, { facts: null, ends: { inputBits, outputBits, ...traits }, device, threads });
  const sessions: Session[] = [];
  const chromaSessions: Session[] = [];
  try {
    for (const pass of layout.passes) sessions.push(await openLuma(pass));
    for (const pass of layout.chroma?.passes ?? []) chromaSessions.push(await openChroma(pass));
  } catch (error) {
    await Promise.all([...open.values()].map((session) => session.close()));
    throw error;
  }
  return { sessions, chromaSessions };
}
