import type { UpscaleOptions } from '../config/upscale-options.ts';
import type { Decision } from '../core/notice.ts';
import type { Source } from '../decode/source.ts';
import type { TemporalPlan } from '../temporal/temporal-plan.ts';

/** Camcorder tapes have lines up to this many; broadcasts and files above it are cleaner. */
const TAPE_LINES = 608;

/** Decides how strongly neighbouring frames are blended. `auto`: low for interlaced standard definition, which is noisy; else off. */
export function chooseTemporal(
  source: Source,
  asked: UpscaleOptions['temporal'],
): { plan: TemporalPlan; decision: Decision } {
  const { fields, height } = source.video;
  const tape = height <= TAPE_LINES && (fields.found === 'tff' || fields.found === 'bff');
  const strength = asked === 'auto' ? (tape ? 'low' : 'off') : asked;
  const reason =
    asked !== 'auto'
      ? 'asked for'
      : tape
        ? 'interlaced standard definition is noisy: still areas are averaged over three frames'
        : 'the source does not look like a tape';
  return {
    plan: { strength, radius: strength === 'off' ? 0 : 1 },
    decision: { topic: 'temporal', choice: strength, reason },
  };
}
