import type { Color } from '../../src/core/color.ts';
import { frameBytes, pixelFormat } from '../../src/core/pixel-format.ts';
import type { ChromaNetwork, InferPlan, ModelFacts } from '../../src/infer/infer-plan.ts';
import { arenaBytesForInfer, planInfer, type PlannedInfer } from '../../src/infer/plan-infer.ts';
import { openUpscaler } from '../../src/infer/upscaler.ts';
import { Arena } from '../../src/kernels/arena.ts';

export interface Wishes {
  readonly model: ModelFacts;
  /** A chain, instead of the model. */
  readonly models?: readonly ModelFacts[];
  /** The model for larger scales. @defaultValue none */
  readonly larger?: readonly ModelFacts[];
  readonly format: string;
  readonly outputFormat?: string;
  readonly width: number;
  readonly height: number;
  readonly magnification?: number;
  readonly outputWidth?: number;
  readonly outputHeight?: number;
  readonly range?: Color['range'];
  readonly tile?: InferPlan['tile'];
  /** Bytes that activations may take. @defaultValue 1e9 */
  readonly memoryBytes?: number;
  /** @defaultValue none: chroma by filter */
  readonly chroma?: readonly ChromaNetwork[];
  /** @defaultValue false */
  readonly faithful?: boolean;
  /** Of input and output. @defaultValue left */
  readonly location?: Color['chromaLocation'];
}

/** What the planner says to `wishes`; tiles are left to it. */
export function planWishes(wishes: Wishes): PlannedInfer {
  const { model, format, outputFormat = format, width, height, magnification = 2, range = 'tv' } = wishes;
  const { chroma = [], location = 'left' } = wishes;
  return planInfer({
    models: wishes.models ?? [model],
    larger: wishes.larger ?? [],
    chroma,
    magnification,
    input: {
      format,
      width,
      height,
      color: {
        range,
        primaries: 'bt709',
        transfer: 'bt709',
        matrix: format.startsWith('gb') ? 'gbr' : 'bt709',
        chromaLocation: location,
      },
    },
    output: {
      format: outputFormat,
      width: wishes.outputWidth ?? width * magnification,
      height: wishes.outputHeight ?? height * magnification,
      chromaLocation: location,
    },
    device: 'cpu',
    threads: 1,
    memoryBytes: wishes.memoryBytes ?? 1e9,
    faithful: wishes.faithful ?? false,
  });
}

export function makePlan(wishes: Wishes): InferPlan {
  const { plan } = planWishes(wishes);
  return wishes.tile === undefined ? plan : { ...plan, tile: wishes.tile };
}

export type Samples = Uint8Array | Uint16Array;

/** Puts one frame through an upscaler with no more arena than it promised to need; returns the planes of the result. */
export async function upscaleOnce(
  wishes: Wishes,
  sampleAt: (plane: number, x: number, y: number) => number,
): Promise<Samples[]> {
  const plan = makePlan(wishes);
  const format = pixelFormat(plan.input.format);
  const { width, height } = plan.input;
  const output = pixelFormat(plan.output.format);
  const frames =
    frameBytes(format, width, height) + frameBytes(output, plan.output.width, plan.output.height) + 128;
  const arena = new Arena(arenaBytesForInfer(plan) + frames);
  const upscaler = await openUpscaler(plan, { arena });
  const frame = arena.allocateFrame(format, width, height, 42);
  frame.planes.forEach((plane, i) => {
    const samples = viewPlane(arena, plane, format.bits);
    samples.forEach((_, at) => {
      samples[at] = sampleAt(i, at % plane.width, Math.floor(at / plane.width));
    });
  });
  const result = await upscaler.upscale(frame);
  if (result.pts !== 42 || result.format.name !== output.name) throw new Error('The frame lost its traits.');
  const planes = result.planes.map((plane) => viewPlane(arena, plane, output.bits).slice());
  result.dispose();
  await upscaler.close();
  if (arena.usedBytes !== 0) throw new Error(`${arena.usedBytes} bytes of the arena were not given back.`);
  return planes;
}

function viewPlane(
  arena: Arena,
  { offset, width, height }: { readonly offset: number; readonly width: number; readonly height: number },
  bits: number,
): Samples {
  return bits > 8 ? arena.words(offset, width * height) : arena.bytes(offset, width * height);
}
