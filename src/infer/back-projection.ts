import type { Frame } from '../core/frame.ts';
import { planeSize, type PixelFormat } from '../core/pixel-format.ts';
import { alignUp, type Arena } from '../kernels/arena.ts';
import { chromaMapping, type ChromaGrid } from '../kernels/chroma-mapping.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { Resampler, resamplerBytes, type ResamplerOptions } from '../kernels/resample.ts';
import type { InferPlan } from './infer-plan.ts';

/** Depth that errors are found in: finer than any rounding of the frames. */
const BITS = 16;

/** A plane that is made consistent with the source's, and the resamplers that take it there and back. */
interface ProjectedPlane {
  readonly source: number;
  readonly target: number;
  /** The source's plane to {@link BITS}. */
  readonly lift: ResamplerOptions;
  /** The output's plane to the source's samples, as the source was sampled. */
  readonly shrink: ResamplerOptions;
  /** Errors to the output's samples. */
  readonly grow: ResamplerOptions;
}

export interface BackProjectionLayout {
  readonly planes: readonly ProjectedPlane[];
  /** What is taken of the error in each step. */
  readonly weights: readonly number[];
  /** Samples of the largest plane of the source, and of the output. */
  readonly smallSamples: number;
  readonly largeSamples: number;
  /** Arena bytes of all of it. */
  readonly bytes: number;
}

/** Works out what back-projection needs; null where the plan has none. Alpha is no picture and is left alone. */
export function layOutBackProjection(
  plan: InferPlan,
  input: PixelFormat,
  output: PixelFormat,
): BackProjectionLayout | null {
  if (plan.backProjection === undefined) return null;
  const planes = output.planes.flatMap(({ role }, target) => {
    const source = input.planes.findIndex((plane) => plane.role === role);
    return role === 'A' || source === -1 ? [] : [describePlane(plan, input, output, source, target)];
  });
  const most = (sizes: readonly { readonly width: number; readonly height: number }[]): number =>
    Math.max(0, ...sizes.map(({ width, height }) => width * height));
  const smallSamples = most(planes.map(({ lift }) => lift.to));
  const largeSamples = most(planes.map(({ grow }) => grow.to));
  const blocks = 2 * alignUp(2 * smallSamples) + alignUp(2 * largeSamples);
  const tables = [...listResamplers(planes).values()].reduce(
    (sum, options) => sum + alignUp(resamplerBytes(options)),
    0,
  );
  const { weights } = plan.backProjection;
  return { planes, weights, smallSamples, largeSamples, bytes: blocks + tables };
}

function describePlane(
  plan: InferPlan,
  input: PixelFormat,
  output: PixelFormat,
  source: number,
  target: number,
): ProjectedPlane {
  const { color } = plan.input;
  const role = output.planes[target]?.role;
  const isChroma = role === 'U' || role === 'V';
  const small = planeSize(input, source, plan.input.width, plan.input.height);
  const large = planeSize(output, target, plan.output.width, plan.output.height);
  const grid = (
    { width, height }: { readonly width: number; readonly height: number },
    plane: PixelFormat['planes'][number] | undefined,
    location: ChromaGrid['location'],
  ): ChromaGrid => ({
    width,
    height,
    log2Width: plane?.log2Width ?? 0,
    log2Height: plane?.log2Height ?? 0,
    location,
  });
  const own = grid(plan.input, input.planes[source], color.chromaLocation);
  const other = grid(plan.output, output.planes[target], plan.output.chromaLocation);
  const depth = { fullRangeDepthChange: color.range === 'pc', isChroma };
  const filter = 'bicubic';
  return {
    source,
    target,
    lift: { from: { ...small, bits: input.bits }, to: { ...small, bits: BITS }, filter, ...depth },
    shrink: {
      from: { ...large, bits: output.bits },
      to: { ...small, bits: BITS },
      filter,
      ...depth,
      ...(isChroma ? { mapping: chromaMapping(other, own) } : {}),
    },
    grow: {
      from: { ...small, bits: BITS },
      to: { ...large, bits: BITS },
      filter,
      ...(isChroma ? { mapping: chromaMapping(own, other) } : {}),
    },
  };
}

/** Planes that are alike share their resamplers. */
function listResamplers(planes: readonly ProjectedPlane[]): Map<string, ResamplerOptions> {
  return new Map(
    planes.flatMap(({ lift, shrink, grow }) =>
      [lift, shrink, grow].map((options) => [JSON.stringify(options), options]),
    ),
  );
}

/**
 * Makes enlarged frames say what their source says: where a frame, sampled as the source was, departs from it, the error is enlarged and
 * taken from the frame, a fixed number of times. Irani and Peleg, "Improving resolution by image registration" (1991), for a single frame;
 * the steps are weighed so that fine errors, of which each step sees less, are gone as soon as coarse ones.
 *
 * A frame's result depends on it and its source's frame alone. Takes {@link BackProjectionLayout.bytes} of the arena.
 */
export class BackProjection {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #layout: BackProjectionLayout;
  readonly #resamplers: Map<string, Resampler>;
  /** The source's plane, errors at the source's size, errors at the output's. */
  readonly #blocks: { readonly own: number; readonly error: number; readonly grown: number };

  constructor(layout: BackProjectionLayout, lane: { readonly arena: Arena; readonly kernels: Kernels }) {
    this.#arena = lane.arena;
    this.#kernels = lane.kernels;
    this.#layout = layout;
    this.#resamplers = new Map(
      [...listResamplers(layout.planes)].map(([key, options]) => [
        key,
        new Resampler({ ...options, ...lane }),
      ]),
    );
    this.#blocks = {
      own: lane.arena.allocate(2 * layout.smallSamples),
      error: lane.arena.allocate(2 * layout.smallSamples),
      grown: lane.arena.allocate(2 * layout.largeSamples),
    };
  }

  /** Changes `result` in place, so that it agrees with `source`. */
  run(source: Frame, result: Frame): void {
    const { own, error, grown } = this.#blocks;
    const { bits, bytesPerSample } = result.format;
    for (const plane of this.#layout.planes) {
      const from = source.planes[plane.source];
      const to = result.planes[plane.target];
      if (from === undefined || to === undefined) continue;
      const gain =
        plane.shrink.fullRangeDepthChange === true ? (2 ** BITS - 1) / (2 ** bits - 1) : 2 ** (BITS - bits);
      this.#resample(plane.lift, from.offset, own);
      for (const weight of this.#layout.weights) {
        this.#resample(plane.shrink, to.offset, error);
        this.#kernels.subtractWords(own, error, error, from.width * from.height);
        this.#resample(plane.grow, error, grown);
        this.#kernels.addErrorWords(
          bytesPerSample === 2,
          to.offset,
          grown,
          to.width * to.height,
          weight / gain,
          2 ** bits - 1,
        );
      }
    }
  }

  dispose(): void {
    for (const block of Object.values(this.#blocks)) this.#arena.release(block);
    for (const resampler of this.#resamplers.values()) resampler.dispose();
  }

  #resample(options: ResamplerOptions, from: number, to: number): void {
    this.#resamplers.get(JSON.stringify(options))?.run(from, to);
  }
}
