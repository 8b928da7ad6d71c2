import { UpscaleError } from '../core/errors.ts';
import type { Color } from '../core/color.ts';
import type { Logger } from '../core/logger.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import type { InferPlan, ModelFacts } from '../infer/infer-plan.ts';
import { arenaBytesForInfer, planInfer } from '../infer/plan-infer.ts';
import { describeFilter } from '../infer/registry.ts';
import { openUpscaler, type Upscaler } from '../infer/upscaler.ts';
import type { Arena } from '../kernels/arena.ts';
import { stackBytes, stackedSize } from './stack-frames.ts';

/** What live frames are decoded to. */
export const LIVE_FORMAT = 'yuv420p';
const COLOR: Color = {
  range: 'tv',
  primaries: 'bt709',
  transfer: 'bt709',
  matrix: 'bt709',
  chromaLocation: 'left',
};
const FRAMES_IN_FLIGHT = 6;
/** Frames that a model is timed on before it is trusted with a stream. */
const TIMED_FRAMES = 3;
/** Seconds that a frame may take: the encoder wants its share of the usual 25 a second. */
const MOST_SECONDS = 0.75 / 25;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The models of a live run, best first, planned for frames of one size; one of them is open at a time. */
export class LiveModels {
  /** How the source's frame is shown below the upscaled one; null where it is not. */
  readonly beside: InferPlan | null;
  readonly #models: readonly ModelFacts[];
  readonly #plans: readonly InferPlan[];
  #rung = 0;

  constructor(
    plan: {
      readonly models: readonly ModelFacts[];
      readonly magnification: number;
      readonly device: InferPlan['device'];
      readonly threads: number;
      readonly beside: boolean;
    },
    source: Size,
  ) {
    const { magnification, device, threads } = plan;
    this.#models = plan.models;
    this.#plans = plan.models.map((model) => planModel(model, source, { magnification, device, threads }));
    this.beside = plan.beside
      ? planModel(describeFilter('lanczos'), source, { magnification: 1, device, threads })
      : null;
  }

  /** Id of the open model. */
  get current(): string {
    return this.#models[this.#rung]?.id ?? '';
  }

  /** Of upscaled frames, without what is shown below them. */
  get output(): Size {
    return this.#planOf(0).output;
  }

  /** Of frames as they are sent. */
  get shown(): Size {
    return this.beside === null ? this.output : stackedSize(this.output, this.beside.output);
  }

  get arenaBytes(): number {
    const { input, output } = this.#planOf(0);
    const scratch = Math.max(...this.#plans.map(arenaBytesForInfer));
    const stacked = this.beside === null ? 0 : stackBytes(this.beside, output, FRAMES_IN_FLIGHT);
    return FRAMES_IN_FLIGHT * (bytesOf(input) + bytesOf(output)) + scratch + stacked + 8 * 1024 * 1024;
  }

  /** Opens the best model that is fast enough for the usual 25 frames a second, on frames of no content. */
  async openBest(options: { arena: Arena; logger: Logger; signal: AbortSignal }): Promise<Upscaler> {
    const { arena, logger, signal } = options;
    for (this.#rung = 0; ; this.#rung++) {
      const plan = this.#planOf(this.#rung);
      const upscaler = await openUpscaler(plan, { arena, logger });
      if (this.#rung === this.#plans.length - 1) return upscaler;
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < TIMED_FRAMES; i++) {
        const { format, width, height } = plan.input;
        const frame = arena.allocateFrame(pixelFormat(format), width, height, 0);
        const started = performance.now();
        (await upscaler.upscale(frame, signal)).dispose();
        least = Math.min(least, (performance.now() - started) / 1000);
      }
      if (least < MOST_SECONDS) return upscaler;
      await upscaler.close();
    }
  }

  /** Closes the open model for the next faster one; where there is none it stays. */
  async stepDown(upscaler: Upscaler, options: { arena: Arena; logger: Logger }): Promise<Upscaler> {
    if (this.#rung === this.#plans.length - 1) return upscaler;
    await upscaler.close();
    this.#rung++;
    return openUpscaler(this.#planOf(this.#rung), options);
  }

  #planOf(rung: number): InferPlan {
    const plan = this.#plans[rung];
    if (plan === undefined) throw new UpscaleError('INTERNAL', `There is no model ${rung}.`);
    return plan;
  }
}

function planModel(
  model: ModelFacts,
  { width, height }: Size,
  { magnification, device, threads }: Pick<InferPlan, 'device' | 'threads'> & { magnification: number },
): InferPlan {
  const even = (side: number): number => 2 * Math.round(side / 2);
  return planInfer({
    models: [model],
    chroma: [],
    magnification,
    input: { format: LIVE_FORMAT, width, height, color: COLOR },
    output: {
      format: LIVE_FORMAT,
      width: even(width * magnification),
      height: even(height * magnification),
      chromaLocation: COLOR.chromaLocation,
    },
    device,
    threads,
    memoryBytes: 512 * 1024 * 1024,
  }).plan;
}

function bytesOf({ format, width, height }: Size & { readonly format: string }): number {
  return frameBytes(pixelFormat(format), width, height);
}
