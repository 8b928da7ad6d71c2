import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import type { Device, InferPlan, ModelFacts } from '../infer/infer-plan.ts';
import { arenaBytesForInfer, planInfer } from '../infer/plan-infer.ts';
import { openUpscaler, type Upscaler } from '../infer/upscaler.ts';
import { Arena } from '../kernels/arena.ts';
import type { LumaPlane } from './luma-plane.ts';

export interface OpenModelOptions {
  /** Of the frames that go in. */
  readonly width: number;
  readonly height: number;
  /** Working format of both ends; RGB ones for models of several channels. */
  readonly format: string;
  /** How much larger the frames become, whatever the model's own scale is. */
  readonly factor: number;
  readonly device: Device | 'auto';
  /** Threads on the CPU. */
  readonly threads: number;
}

/** A model that is ready to run on frames of one size, through the same upscaler as every run. */
export interface OpenModel {
  readonly plan: InferPlan;
  readonly arena: Arena;
  readonly upscaler: Upscaler;
}

/** Bytes that activations may take before frames are cut into tiles. */
const ACTIVATION_BYTES = 1024 ** 3;

/**
 * Plans and opens `model` for frames whose code values are full range. Close its upscaler in the end.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `DEVICE_UNAVAILABLE`, `MEMORY_BUDGET`
 */
export async function openModel(model: ModelFacts, options: OpenModelOptions): Promise<OpenModel> {
  const { width, height, format, factor, device, threads } = options;
  const { plan } = planInfer({
    models: [model],
    chroma: [],
    magnification: factor,
    input: {
      format,
      width,
      height,
      color: {
        range: 'pc',
        primaries: 'bt709',
        transfer: 'bt709',
        matrix: pixelFormat(format).family === 'rgb' ? 'gbr' : 'bt709',
        chromaLocation: 'left',
      },
    },
    output: {
      format,
      width: Math.round(width * factor),
      height: Math.round(height * factor),
      chromaLocation: 'left',
    },
    device,
    threads,
    memoryBytes: ACTIVATION_BYTES,
  });
  const arena = new Arena(
    arenaBytesForInfer(plan) + countFrameBytes(plan.input) + countFrameBytes(plan.output),
  );
  return { plan, arena, upscaler: await openUpscaler(plan, { arena }) };
}

/** A frame's bytes, rounded up as the arena does. */
function countFrameBytes({ format, width, height }: InferPlan['output'] | InferPlan['input']): number {
  return Math.ceil(frameBytes(pixelFormat(format), width, height) / 64) * 64 + 64;
}

/** What an open model makes of 8-bit luma. Models of several channels get it as gray, and the mean of what they give is taken. */
export async function enlargeLuma(
  { plan, arena, upscaler }: OpenModel,
  plane: LumaPlane,
  signal?: AbortSignal,
): Promise<LumaPlane> {
  const frame = arena.allocateFrame(pixelFormat(plan.input.format), plane.width, plane.height, 0);
  for (const { offset } of frame.planes) arena.bytes(offset, plane.samples.length).set(plane.samples);
  const result = await upscaler.upscale(frame, signal);
  try {
    const { width, height } = result;
    const planes = result.planes.map(({ offset }) => arena.bytes(offset, width * height));
    const [only] = planes;
    if (only !== undefined && planes.length === 1) return { width, height, samples: only.slice() };
    const samples = Uint8Array.from({ length: width * height }, (_, i) =>
      Math.round(planes.reduce((sum, values) => sum + (values[i] ?? 0), 0) / planes.length),
    );
    return { width, height, samples };
  } finally {
    result.dispose();
  }
}
