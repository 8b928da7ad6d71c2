import type { UpscaleOptions } from '../config/upscale-options.ts';
import type { Decision } from '../core/notice.ts';
import type { TemporalPlan } from '../temporal/temporal-plan.ts';

/** Decides how strongly neighbouring frames are blended. `auto` is as strong as it gets, since each frame's own noise says how much of it is done. */
export function chooseTemporal(
  asked: UpscaleOptions['temporal'],
  { faithful = false, radius = 1 }: { readonly faithful?: boolean; readonly radius?: number } = {},
): {
  plan: TemporalPlan;
  decision: Decision;
} {
  const strength = asked !== 'auto' ? asked : faithful ? 'off' : 'high';
  const reason =
    asked === 'auto' && faithful
      ? 'a faithful output keeps to each frame as it is'
      : asked === 'auto'
        ? 'each frame is blended as far as its own noise asks for, a clean one not at all'
        : 'asked for';
  return {
    plan: { strength, radius: strength === 'off' ? 0 : radius },
    decision: {
      topic: 'temporal',
      choice:
        strength === 'off' || radius === 1 ? strength : `${strength}, over ${radius} frames to each side`,
      reason,
    },
  };
}
