import { isTelling, type FrameEvidence } from './field-evidence.ts';

/**
 * Below this the two-time prediction beats the one-time prediction by more than chance can: interlaced footage measures 0.5 to 0.9, whole
 * pictures 1.1 and more. Pure noise measures 0.83 (a mean of two has less of it), but for both orders alike.
 */
const INTERLACED_BELOW = 0.95;
const PROGRESSIVE_ABOVE = 1.05;
/** The wrong field order predicts worse than the right one by at least this factor. */
const ORDER_CLEAR = 1.12;
/**
 * Small things that move far between two fields are predicted badly from either time: synthetic patterns in fields measure up to 1.13, but 1.4 times that for the wrong order,
 * where whole pictures are alike for both.
 */
const FAST = { below: 1.15, order: 1.3 };
/** What one frame says of its fields; `open` for none: too little moves, or noise hides it. */
export type FrameVerdict = 'tff' | 'bff' | 'whole' | 'open';

export function judgeFrame(frame: FrameEvidence): FrameVerdict {
  if (!isTelling(frame)) return 'open';
  const tff = frame.topFirst / frame.whole;
  const bff = frame.bottomFirst / frame.whole;
  const best = Math.min(tff, bff);
  const isFast = best < FAST.below && Math.max(tff, bff) > FAST.order * best;
  if (best > PROGRESSIVE_ABOVE && !isFast) return 'whole';
  if (best > INTERLACED_BELOW || Math.max(tff, bff) < ORDER_CLEAR * best) return 'open';
  return tff < bff ? 'tff' : 'bff';
}
