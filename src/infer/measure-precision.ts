import { describeFailure } from './devices.ts';
import { convertToHalf } from './graph/convert-to-half.ts';
import { makeFloatEnds, PROBE_INPUT, PROBE_OUTPUT } from './graph/float-ends.ts';
import { writeOnnx } from './graph/onnx-model.ts';
import type { Device, ModelFacts } from './infer-plan.ts';
import { readEnds } from './model-ends.ts';
import { openSession, type Session } from './onnxruntime.ts';
import { parseModel, readModelFile } from './read-model.ts';

/** What a device makes of a network in both precisions. */
export type PrecisionMeasurement =
  | {
      readonly fullMilliseconds: number;
      readonly halfMilliseconds: number;
      /** Largest difference of a sample, in units of white. */
      readonly worst: number;
    }
  | { readonly failure: string };

const RUNS = 5;

/** Runs `model` on a noisy picture of about `side` x `side` samples in float32 and in float16, in turns. */
export async function measurePrecision(
  model: ModelFacts,
  device: Device,
  side: number,
): Promise<PrecisionMeasurement> {
  const sessions: Session[] = [];
  try {
    const file = await readModelFile(model.path ?? '');
    for (const precision of ['fp16', 'fp32'] as const) {
      const network = await parseModel(file);
      const ends = readEnds(network, model.id);
      if (precision === 'fp16' && !convertToHalf(network, model)) {
        return { failure: 'its graph holds operators that are not known to take it' };
      }
      sessions.push(await openSession(writeOnnx(makeFloatEnds(network, ends)), { device, threads: 1 }));
    }
    return await compare(sessions, model, side);
  } catch (error) {
    return { failure: describeFailure(error) };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

async function compare(
  sessions: readonly Session[],
  { layout, channels, range, multiple, fixedWidth, fixedHeight }: ModelFacts,
  side: number,
): Promise<PrecisionMeasurement> {
  const free = Math.ceil(side / multiple) * multiple;
  const [width, height] = [fixedWidth ?? free, fixedHeight ?? free];
  const data = new Float32Array(width * height * channels).map((_, i) => range * paint(i, width));
  const dims = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
  const times: [number[], number[]] = [[], []];
  const results: Float32Array[] = [];
  // The first run compiles.
  for (let run = 0; run <= RUNS; run++) {
    for (const [i, session] of sessions.entries()) {
      const start = performance.now();
      const output = (await session.evaluate({ [PROBE_INPUT]: { data, dims } })).get(PROBE_OUTPUT);
      if (run > 0) times[i]?.push(performance.now() - start);
      if (output?.data instanceof Float32Array) results[i] = output.data;
    }
  }
  const [half, full] = results;
  if (half === undefined || full === undefined || half.length !== full.length || half.length === 0) {
    return { failure: 'it gives another picture' };
  }
  const worst = full.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (half[i] ?? NaN)) / range),
    0,
  );
  if (!Number.isFinite(worst)) return { failure: 'numbers grow beyond its range' };
  return { halfMilliseconds: Math.min(...times[0]), fullMilliseconds: Math.min(...times[1]), worst };
}

/** Waves with noise, in 0..1. */
function paint(i: number, width: number): number {
  const hash = Math.imul(i + 1, 2654435761) >>> 0;
  return 0.5 + 0.3 * Math.sin((i % width) / 6) * Math.cos(i / width / 5) + 0.2 * (hash / 2 ** 32 - 0.5);
}
