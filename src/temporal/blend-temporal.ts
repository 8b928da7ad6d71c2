import type { Frame } from '../core/frame.ts';
import type { PixelFormat } from '../core/pixel-format.ts';
import type { Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { blenderBytes, FrameBlender, type Neighbour } from './frame-blender.ts';
import { buildPyramid, layOutPyramid, type PyramidLayout } from './luma-pyramid.ts';
import { motionBytes, MotionEstimator, type MotionPair } from './motion.ts';
import { hasChanged, summariseScene, type SceneSummary } from './scene-cut.ts';
import type { TemporalPlan } from './temporal-plan.ts';

/** Share of the picture that motion does not explain, above which frames that look unlike show two scenes. */
const UNEXPLAINED = 0.6;

/** A decoded frame and its part in the segment: only bodies come out, leads and tails are there to be looked at. */
export interface TemporalInput {
  readonly frame: Frame;
  readonly role: 'lead' | 'body' | 'tail';
}

/** A frame in the window. */
interface Seen extends TemporalInput {
  readonly scene: SceneSummary;
  /** Arena offset of its luma pyramid, made when it is needed. */
  pyramid: number | null;
}

/** Two frames that follow each other. */
interface Pair {
  readonly earlier: Seen;
  readonly later: Seen;
  motion: MotionPair | null;
}

/**
 * Makes neighbouring frames agree: what differs between them beyond motion, noise and flicker, is averaged away where they show the same, and
 * nothing else is touched. A frame's result depends on `radius` frames before and after it alone, so it is the same
 * wherever a segment starts. A frame beside a cut comes out as it was.
 *
 * Each frame is blended with the one before and the one after it. With radius 2 what comes of that goes through the same once more: of
 * five frames the nearer ones have the larger part, 3 to 2 to 1, and the second time motion is found between cleaner frames.
 *
 * Takes the frames over and disposes of them; the frames it yields belong to the caller. With radius 0 bodies pass through
 * untouched.
 */
export async function* blendTemporal(
  frames: AsyncIterable<TemporalInput>,
  plan: TemporalPlan,
  options: { readonly arena: Arena; readonly kernels: Kernels },
): AsyncGenerator<Frame> {
  if (plan.radius === 0 || plan.strength === 'off') {
    yield* passBodies(frames);
    return;
  }
  let source = frames;
  for (let round = 1; round < plan.radius; round++) source = blendOnce(source, plan, options);
  for await (const { frame } of blendOnce(source, plan, options, 'body')) yield frame;
}

/** Blends frames with those beside them: all of them, or bodies `only`. */
async function* blendOnce(
  frames: AsyncIterable<TemporalInput>,
  plan: TemporalPlan,
  options: { readonly arena: Arena; readonly kernels: Kernels },
  only?: 'body',
): AsyncGenerator<TemporalInput> {
  let window: BlendWindow | undefined;
  try {
    for await (const input of frames) {
      try {
        window ??= new BlendWindow(options, plan, input.frame, only);
      } catch (error) {
        input.frame.dispose();
        throw error;
      }
      const blended = window.push(input);
      if (blended !== null) yield blended;
    }
    const last = window?.finish() ?? null;
    if (last !== null) yield last;
  } finally {
    window?.dispose();
  }
}

async function* passBodies(frames: AsyncIterable<TemporalInput>): AsyncGenerator<Frame> {
  for await (const { frame, role } of frames) {
    if (role === 'body') yield frame;
    else frame.dispose();
  }
}

/** Arena bytes that the stage takes beside frames, for each round: a blender, the pyramids of three frames and the motion of two pairs. */
export function temporalBytes(
  plan: TemporalPlan,
  format: PixelFormat,
  width: number,
  height: number,
): number {
  if (plan.radius === 0) return 0;
  const layout = layOutPyramid(width, height);
  const { own, pair } = motionBytes(layout, width, height);
  return plan.radius * (blenderBytes(format, width, height) + own + 3 * layout.bytes + 2 * pair);
}

/** The frames around the one that is blended next, and what is known of them. Owns them. */
class BlendWindow {
  readonly #lane: { readonly arena: Arena; readonly kernels: Kernels };
  readonly #blender: FrameBlender;
  readonly #motion: MotionEstimator;
  readonly #layout: PyramidLayout;
  readonly #only: 'body' | undefined;
  /** Oldest first: at most the frame before the current one, and the current one. */
  #seen: Seen[] = [];
  #pair: Pair | null = null;

  constructor(
    lane: { readonly arena: Arena; readonly kernels: Kernels },
    plan: TemporalPlan,
    first: Frame,
    only: 'body' | undefined,
  ) {
    const { width, height } = first;
    this.#lane = lane;
    this.#only = only;
    this.#layout = layOutPyramid(width, height);
    this.#blender = new FrameBlender(lane.arena, lane.kernels, plan.strength, first);
    this.#motion = new MotionEstimator(lane, this.#layout, first);
  }

  /** Takes the next frame over; gives the one before it, blended, when that is wanted. */
  push(input: TemporalInput): TemporalInput | null {
    const next: Seen = { ...input, scene: summariseScene(this.#lane.arena, input.frame), pyramid: null };
    this.#seen.push(next);
    const current = this.#seen.at(-2);
    if (current === undefined) return null;
    const after: Pair = { earlier: current, later: next, motion: null };
    const blended = this.#blend(current, this.#pair, after);
    this.#pair?.motion?.dispose();
    this.#pair = after;
    if (this.#seen.length > 2) this.#drop(this.#seen.shift());
    return blended;
  }

  /** The last frame, blended. */
  finish(): TemporalInput | null {
    const current = this.#seen.at(-1);
    return current === undefined ? null : this.#blend(current, this.#pair, null);
  }

  dispose(): void {
    this.#pair?.motion?.dispose();
    this.#pair = null;
    for (const seen of this.#seen.splice(0)) this.#drop(seen);
    this.#blender.dispose();
    this.#motion.dispose();
  }

  #blend(current: Seen, before: Pair | null, after: Pair | null): TemporalInput | null {
    const { frame, role } = current;
    if (this.#only !== undefined && role !== this.#only) return null;
    const isNoisy = this.#blender.findNoisyPlanes(
      frame,
      before?.earlier.frame ?? null,
      after?.later.frame ?? null,
    );
    const pairs = [before, after].filter((pair) => pair !== null);
    const isCalm = !isNoisy.includes(true) || pairs.some((pair) => this.#isCut(pair));
    const blended = this.#blender.blend(
      frame,
      isCalm ? null : this.#toNeighbour(before, 'earlier'),
      isCalm ? null : this.#toNeighbour(after, 'later'),
      isNoisy,
    );
    return { frame: blended, role };
  }

  #toNeighbour(pair: Pair | null, side: 'earlier' | 'later'): Neighbour | null {
    if (pair === null) return null;
    const motion = this.#findMotion(pair);
    return { frame: pair[side].frame, motion: side === 'earlier' ? motion.backward : motion.forward };
  }

  #isCut(pair: Pair): boolean {
    return (this.#findMotion(pair).unexplained ?? 0) > UNEXPLAINED;
  }

  /** Motion, and for frames that look unlike how much of the picture it explains. */
  #findMotion(pair: Pair): MotionPair {
    pair.motion ??= this.#motion.estimate(
      this.#findPyramid(pair.earlier),
      this.#findPyramid(pair.later),
      hasChanged(pair.earlier.scene, pair.later.scene),
    );
    return pair.motion;
  }

  #findPyramid(seen: Seen): number {
    if (seen.pyramid === null) {
      seen.pyramid = this.#lane.arena.allocate(this.#layout.bytes);
      buildPyramid(this.#lane.kernels, this.#layout, seen.frame, seen.pyramid);
    }
    return seen.pyramid;
  }

  #drop(seen: Seen | undefined): void {
    if (seen === undefined) return;
    seen.frame.dispose();
    if (seen.pyramid !== null) this.#lane.arena.release(seen.pyramid);
  }
}
