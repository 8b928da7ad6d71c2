import type { Frame } from '../core/frame.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import { openUpscaler, type Upscaler } from '../infer/upscaler.ts';
import type { InferPlan } from '../infer/infer-plan.ts';
import type { Arena } from '../kernels/arena.ts';
import { copyRect } from '../kernels/copy.ts';
import type { Kernels } from '../kernels/kernels.ts';

/** Size of a frame that holds the upscaled picture and, below it, the source's; both sides even, as 4:2:0 needs. */
export function stackedSize(
  upscaled: { readonly width: number; readonly height: number },
  beside: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const even = (side: number): number => side + (side % 2);
  return {
    width: even(Math.max(upscaled.width, beside.width)),
    height: even(upscaled.height) + even(beside.height),
  };
}

/**
 * Puts each upscaled frame and the source's frame that it was made of into one, so that no player can ever show two moments side by side.
 * The source's frames are kept in order while the upscaled ones are in the making.
 */
export class FrameStack {
  readonly #plan: InferPlan;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #converter: Upscaler | null;
  readonly #kept: Frame[] = [];

  private constructor(plan: InferPlan, lane: { arena: Arena; kernels: Kernels }, converter: Upscaler | null) {
    this.#plan = plan;
    this.#arena = lane.arena;
    this.#kernels = lane.kernels;
    this.#converter = converter;
  }

  static async open(plan: InferPlan, lane: { arena: Arena; kernels: Kernels }): Promise<FrameStack> {
    const asIs = plan.input.format === plan.output.format;
    return new FrameStack(plan, lane, asIs ? null : await openUpscaler(plan, { arena: lane.arena }));
  }

  /** Keeps a copy of `frame`, which stays the caller's. */
  async keep(frame: Frame): Promise<void> {
    const copy = this.#arena.allocateFrame(frame.format, frame.width, frame.height, frame.pts);
    this.#arena.bytes(copy.offset, copy.byteLength).set(this.#arena.bytes(frame.offset, frame.byteLength));
    this.#kept.push(this.#converter === null ? copy : await this.#converter.upscale(copy));
  }

  /** Takes `upscaled` over, and gives back a frame that has the kept one of its time below it. */
  stack(upscaled: Frame): Frame {
    const { format, pts } = upscaled;
    const size = stackedSize(upscaled, this.#plan.output);
    const below = this.#kept.shift();
    try {
      const stacked = this.#arena.allocateFrame(format, size.width, size.height, pts);
      fillBlack(this.#arena, stacked);
      stacked.planes.forEach((target, i) => {
        const middle =
          (size.height - (below?.height ?? 0) - ((below?.height ?? 0) % 2)) >>
          (format.planes[i]?.log2Height ?? 0);
        for (const [source, y] of [
          [upscaled.planes[i], 0],
          [below?.planes[i], middle],
        ] as const) {
          if (source === undefined) continue;
          const whole = { x: 0, y: 0, width: source.width, height: source.height };
          copyRect(this.#kernels, source, whole, target, { x: 0, y }, format.bytesPerSample);
        }
      });
      return stacked;
    } finally {
      upscaled.dispose();
      below?.dispose();
    }
  }

  /** Lets go of what was kept for frames that never came. */
  clear(): void {
    for (const frame of this.#kept.splice(0)) frame.dispose();
  }

  async close(): Promise<void> {
    this.clear();
    await this.#converter?.close();
  }
}

/** Makes a frame of 8 bits black. */
export function fillBlack(arena: Arena, { format, planes }: Frame): void {
  for (const [i, { offset, width, height }] of planes.entries()) {
    const role = format.planes[i]?.role ?? 'Y';
    arena.bytes(offset, width * height).fill(role === 'U' || role === 'V' ? 128 : 16);
  }
}

/** Arena bytes that stacking takes beyond a run without it: kept frames, and the stacked ones in place of the upscaled. */
export function stackBytes(plan: InferPlan, upscaled: InferPlan['output'], framesInFlight: number): number {
  const bytesOf = (format: string, width: number, height: number): number =>
    frameBytes(pixelFormat(format), width, height);
  const { input, output } = plan;
  const size = stackedSize(upscaled, output);
  return (
    framesInFlight *
      (bytesOf(input.format, input.width, input.height) +
        bytesOf(output.format, output.width, output.height)) +
    4 * bytesOf(output.format, size.width, size.height)
  );
}
