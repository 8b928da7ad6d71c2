import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import type { Arena } from '../kernels/arena.ts';
import { loadKernels, type Kernels } from '../kernels/kernels.ts';
import { Resampler, type ResamplerOptions } from '../kernels/resample.ts';
import { BackProjection } from './back-projection.ts';
import { runChromaPass, type OpenChromaPass } from './chroma/run-chroma-pass.ts';
import type { DeviceReport } from './devices.ts';
import { layOutInfer, type InferLayout } from './infer-layout.ts';
import type { InferPlan } from './infer-plan.ts';
import { openNetworks } from './open-network.ts';
import type { Session } from './onnxruntime.ts';
import { halveTile, listTiles } from './plan-infer.ts';
import { runPass, type OpenPass, type PassContext } from './run-pass.ts';

export interface Upscaler {
  readonly device: DeviceReport;
  /**
   * Makes a frame of the plan's output size and format of one of its input size and format, with the same pts. Takes `frame`
   * over and disposes of it; the caller gets the new one. One call at a time.
   *
   * @param signal - Looked at between tiles.
   * @throws UpscaleError `ABORTED`, `DEVICE_OUT_OF_MEMORY`, `INFERENCE_FAILED`, `MEMORY_BUDGET`
   */
  upscale(frame: Frame, signal?: AbortSignal): Promise<Frame>;
  /** Sizes that the network of each pass is run on, in its input samples; they shrink when a device runs out of memory. */
  tileSizes(): readonly { readonly width: number; readonly height: number }[];
  /** Gives back sessions and memory. Nothing may be running. */
  close(): Promise<void>;
}

/**
 * Opens the networks of `plan` and takes all the memory that they need from the arena, {@link arenaBytesForInfer} at most.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `DEVICE_UNAVAILABLE`, `MEMORY_BUDGET`, `PLAN_INVALID`
 */
export async function openUpscaler(
  plan: InferPlan,
  options: { readonly arena: Arena; readonly logger?: Logger; readonly signal?: AbortSignal },
): Promise<Upscaler> {
  const { arena, logger = silentLogger, signal } = options;
  throwIfAborted(signal);
  const layout = layOutInfer(plan);
  const [kernels, networks] = await Promise.all([
    loadKernels(arena),
    plan.passes.length === 0
      ? {
          ...{ sessions: [], chromaSessions: [] },
          device: { asked: plan.device, used: 'cpu', precision: 'fp32', tried: [] } as const,
        }
      : openNetworks(plan, layout, logger),
  ]);
  try {
    return new PlannedUpscaler(plan, layout, { arena, kernels, logger, ...networks });
  } catch (error) {
    await closeAll(networks);
    throw error;
  }
}

interface UpscalerParts {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly logger: Logger;
  readonly sessions: readonly Session[];
  readonly chromaSessions: readonly Session[];
  readonly device: DeviceReport;
}

class PlannedUpscaler implements Upscaler {
  readonly device: DeviceReport;
  readonly #parts: UpscalerParts;
  #plan: InferPlan;
  #layout: InferLayout;
  #blocks: number[] = [];
  #passes: OpenPass[] = [];
  #chromaPasses: OpenChromaPass[] = [];
  readonly #resamplers: Resampler[] = [];
  readonly #fit: Resampler | null;
  readonly #chromaFit: Resampler | null;
  readonly #backProjection: BackProjection | null;

  constructor(plan: InferPlan, layout: InferLayout, parts: UpscalerParts) {
    this.device = parts.device;
    this.#parts = parts;
    this.#plan = plan;
    this.#layout = layout;
    try {
      this.#allocatePasses();
      for (const options of layout.resamplers) this.#openResampler(options);
      this.#fit = layout.fit === null ? null : this.#openResampler(layout.fit);
      const chromaFit = layout.chroma?.fit ?? null;
      this.#chromaFit = chromaFit === null ? null : this.#openResampler(chromaFit);
      const { backProjection } = layout;
      this.#backProjection = backProjection === null ? null : new BackProjection(backProjection, parts);
    } catch (error) {
      this.#releaseAll();
      throw error;
    }
  }

  tileSizes(): readonly { readonly width: number; readonly height: number }[] {
    return listTiles(this.#plan);
  }

  async upscale(frame: Frame, signal?: AbortSignal): Promise<Frame> {
    const { output } = this.#plan;
    let result: Frame | undefined;
    try {
      this.#checkFrame(frame);
      throwIfAborted(signal);
      result = this.#parts.arena.allocateFrame(this.#layout.output, output.width, output.height, frame.pts);
      // One after the other: onnxruntime-node runs networks on this very thread.
      this.#resample(frame, result);
      await this.#runNetwork(frame, result, signal);
      this.#backProjection?.run(frame, result);
      return result;
    } catch (error) {
      result?.dispose();
      throw error;
    } finally {
      frame.dispose();
    }
  }

  async close(): Promise<void> {
    this.#backProjection?.dispose();
    this.#releaseAll();
    await closeAll(this.#parts);
  }

  #checkFrame(frame: Frame): void {
    const { format, width, height } = this.#plan.input;
    if (frame.format.name !== format || frame.width !== width || frame.height !== height) {
      throw new UpscaleError(
        'INTERNAL',
        `A frame of ${frame.format.name} ${frame.width}x${frame.height} came where ${format} ${width}x${height} was planned.`,
      );
    }
  }

  #resample(frame: Frame, result: Frame): void {
    for (const { source, target, resampler } of this.#layout.resampled) {
      const from = frame.planes[source];
      const to = result.planes[target];
      if (from !== undefined && to !== undefined) this.#resamplers[resampler]?.run(from.offset, to.offset);
    }
  }

  async #runNetwork(frame: Frame, result: Frame, signal: AbortSignal | undefined): Promise<void> {
    const context = { ...this.#parts, signal };
    for (const { source, target } of this.#layout.groups) {
      const from = frame.planes[source];
      const to = result.planes[target];
      if (from === undefined || to === undefined) continue;
      await this.#shrinkWhereNeeded(async () => {
        await this.#runPasses(from.offset, to.offset, context);
        // What luma passes gave on the way is chroma's guide.
        await this.#runChroma(frame, result, from.offset, context);
      });
    }
  }

  async #shrinkWhereNeeded(run: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await run();
        return;
      } catch (error) {
        if (!(error instanceof UpscaleError) || error.code !== 'DEVICE_OUT_OF_MEMORY') throw error;
        this.#shrinkTiles(error);
      }
    }
  }

  async #runChroma(frame: Frame, result: Frame, luma: number, context: PassContext): Promise<void> {
    const { chroma } = this.#layout;
    const source = frame.planes[chroma?.source ?? -1];
    const target = result.planes[chroma?.target ?? -1];
    if (chroma === null || source === undefined || target === undefined) return;
    let from = source.offset;
    let guide = luma;
    for (const [i, pass] of this.#chromaPasses.entries()) {
      const to = pass.layout.blocks.result === 0 ? target.offset : pass.memory.result;
      await runChromaPass(pass, { source: from, guide, target: to }, context);
      from = to;
      guide = this.#passes[i]?.memory.result ?? 0;
    }
    const { fit } = chroma;
    if (fit === null) return;
    const fromBytes = fit.from.width * fit.from.height * (fit.from.bits > 8 ? 2 : 1);
    const toBytes = fit.to.width * fit.to.height * (fit.to.bits > 8 ? 2 : 1);
    for (const i of [0, 1]) this.#chromaFit?.run(from + i * fromBytes, target.offset + i * toBytes);
  }

  async #runPasses(source: number, target: number, context: PassContext): Promise<void> {
    let from = source;
    for (const pass of this.#passes) {
      const isOut = pass.layout.blocks.result === 0;
      const to = isOut ? target : pass.memory.result;
      await runPass(pass, from, to, context);
      from = to;
    }
    if (this.#fit === null) return;
    const last = this.#passes.at(-1);
    if (last === undefined) return;
    const { result } = last.layout.geometry;
    const size = this.#plan.output;
    const planes = last.layout.planes.output * last.layout.repeats;
    const fromBytes = result.width * result.height * (last.layout.outputBits > 8 ? 2 : 1);
    const toBytes = size.width * size.height * this.#layout.output.bytesPerSample;
    for (let i = 0; i < planes; i++) this.#fit.run(from + i * fromBytes, target + i * toBytes);
  }

  /** Cuts the work in half after a device ran out of memory, or passes its error on where nothing is left to cut. */
  #shrinkTiles(error: UpscaleError): void {
    const before = this.tileSizes();
    const plan = { ...this.#plan, tile: halveTile(this.#plan) };
    const layout = layOutInfer(plan);
    const after = listTiles(plan);
    if (JSON.stringify(before) === JSON.stringify(after)) throw error;
    for (const block of this.#blocks.splice(0)) this.#parts.arena.release(block);
    this.#plan = plan;
    this.#layout = layout;
    this.#allocatePasses();
    const [tile] = after;
    this.#parts.logger.warn(
      `${this.device.used} ran out of memory; tiles are ${tile?.width ?? 0}x${tile?.height ?? 0} from here on`,
    );
  }

  #allocatePasses(): void {
    const { sessions, chromaSessions } = this.#parts;
    this.#passes = this.#layout.passes.map((layout, i) => {
      return { layout, session: pick(sessions, i), memory: this.#allocateBlocks(layout.blocks) };
    });
    this.#chromaPasses = (this.#layout.chroma?.passes ?? []).map((layout, i) => {
      return { layout, session: pick(chromaSessions, i), memory: this.#allocateBlocks(layout.blocks) };
    });
  }

  /** Offsets of blocks of these sizes; 0 for empty ones. */
  #allocateBlocks<Name extends string>(sizes: Readonly<Record<Name, number>>): Record<Name, number> {
    const offsets: Record<Name, number> = { ...sizes };
    for (const name of Object.keys(sizes) as Name[]) {
      if (sizes[name] === 0) continue;
      offsets[name] = this.#parts.arena.allocate(sizes[name]);
      this.#blocks.push(offsets[name]);
    }
    return offsets;
  }

  #openResampler(options: ResamplerOptions): Resampler {
    const resampler = new Resampler({ ...options, ...this.#parts });
    this.#resamplers.push(resampler);
    return resampler;
  }

  #releaseAll(): void {
    for (const block of this.#blocks.splice(0)) this.#parts.arena.release(block);
    for (const resampler of this.#resamplers.splice(0)) resampler.dispose();
  }
}

function pick(sessions: readonly Session[], index: number): Session {
  const session = sessions[index];
  if (session === undefined) throw new UpscaleError('INTERNAL', 'A pass has no session.');
  return session;
}

async function closeAll({
  sessions,
  chromaSessions,
}: Pick<UpscalerParts, 'sessions' | 'chromaSessions'>): Promise<void> {
  await Promise.all([...new Set([...sessions, ...chromaSessions])].map((session) => session.close()));
}
