import { UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import type { Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { FrameBlender } from './frame-blender.ts';
import { isCut, summariseScene, type SceneSummary } from './scene-cut.ts';
import type { TemporalPlan } from './temporal-plan.ts';

/** A decoded frame and its part in the segment: only bodies come out, leads and tails are there to be looked at. */
export interface TemporalInput {
  readonly frame: Frame;
  readonly role: 'lead' | 'body' | 'tail';
}

/** A frame in the window. */
interface Seen extends TemporalInput {
  readonly scene: SceneSummary;
}

/**
 * Makes neighbouring frames agree: noise that differs between them is averaged away where the picture stands still, and
 * nothing else is touched. A frame's result depends on the frame before and the frame after it alone, so it is the same
 * wherever a segment starts. Frames on the other side of a cut are never used; samples that changed come out as they were.
 *
 * Takes the frames over and disposes of them; the frames it yields belong to the caller. With radius 0 bodies pass through
 * untouched.
 *
 * @throws UpscaleError `INTERNAL` for a radius above 1.
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
  if (plan.radius > 1) {
    throw new UpscaleError('INTERNAL', `Frames can be blended over a radius of 1, not ${plan.radius}.`);
  }
  const { arena, kernels } = options;
  let blender: FrameBlender | undefined;
  const held = new Set<Frame>();
  const drop = (seen: Seen | null): void => {
    if (seen !== null && held.delete(seen.frame)) seen.frame.dispose();
  };
  let previous: Seen | null = null;
  let current: Seen | null = null;
  try {
    for await (const input of frames) {
      held.add(input.frame);
      blender ??= new FrameBlender(arena, kernels, plan.strength, input.frame);
      const next: Seen = { ...input, scene: summariseScene(arena, input.frame) };
      if (current?.role === 'body') yield blendSeen(blender, previous, current, next);
      drop(previous);
      previous = current;
      current = next;
    }
    if (current?.role === 'body' && blender !== undefined) yield blendSeen(blender, previous, current, null);
  } finally {
    for (const frame of held) frame.dispose();
    blender?.dispose();
  }
}

async function* passBodies(frames: AsyncIterable<TemporalInput>): AsyncGenerator<Frame> {
  for await (const { frame, role } of frames) {
    if (role === 'body') yield frame;
    else frame.dispose();
  }
}

function blendSeen(blender: FrameBlender, previous: Seen | null, current: Seen, next: Seen | null): Frame {
  return blender.blend(current.frame, pickScene(previous, current), pickScene(next, current));
}

/** The neighbour's frame, or null when it shows another scene. */
function pickScene(neighbour: Seen | null, current: Seen): Frame | null {
  if (neighbour === null) return null;
  return isCut(neighbour.scene, current.scene) ? null : neighbour.frame;
}
