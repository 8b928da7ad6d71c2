import { isTelling, type FrameEvidence } from './field-evidence.ts';
import type { FieldAnalysis, FieldKind } from './source.ts';

/**
 * Below this the two-time prediction beats the one-time prediction by more than noise can: the fields show two times. Interlaced footage
 * measures 0.80 to 0.88, whole pictures 1.1 and more; in between the file's own word stands.
 */
const INTERLACED_BELOW = 0.93;
const PROGRESSIVE_ABOVE = 1.05;
/** The wrong field order predicts worse than the right one by at least this factor. */
const ORDER_CLEAR = 1.1;
const LEAST_TELLING_FRAMES = 2;
/** So many frames must speak against a file that calls itself interlaced. */
const LEAST_AGAINST_TAG = 5;

/**
 * Decides what the fields are from what the file says and what its frames look like. Frames win over the tag where they show
 * something; where they show nothing (still pictures) the tag stands.
 */
export function decideFields(
  tagged: FieldKind,
  spots: readonly (readonly FrameEvidence[])[],
  frameRate: number | null,
): FieldAnalysis {
  const frames = spots.flat();
  const telling = frames.filter(isTelling);
  const sum = (pick: (frame: FrameEvidence) => number): number =>
    telling.reduce((total, frame) => total + pick(frame), 0);
  const whole = sum((frame) => frame.whole);
  const tff = sum((frame) => frame.topFirst) / whole;
  const bff = sum((frame) => frame.bottomFirst) / whole;
  const best = Math.min(tff, bff);
  const order: 'tff' | 'bff' = tff <= bff ? 'tff' : 'bff';
  const combed = telling.filter((frame) => ratio(frame) < INTERLACED_BELOW).length;
  const progressive = telling.filter((frame) => ratio(frame) > PROGRESSIVE_ABOVE).length;
  const result = (found: FieldKind, reason: string): FieldAnalysis => ({
    tagged,
    found,
    topFieldFirst:
      found === 'tff' || found === 'bff' ? found === 'tff' : found === 'telecine' ? order === 'tff' : null,
    mixed: (found === 'tff' || found === 'bff') && progressive > combed / 4,
    reason,
    evidence: { frames: frames.length, telling: telling.length, combed, progressive },
  });

  if (spots.some((spot) => isTelecine(spot, frameRate))) {
    return result('telecine', '3:2 pulldown: two frames of five are woven from two film frames');
  }
  if (telling.length < LEAST_TELLING_FRAMES || whole === 0) {
    if (tagged === 'tff' || tagged === 'bff') {
      return result(tagged, 'the file says so, and too little moves to see');
    }
    return result('progressive', tagged === 'progressive' ? 'the file says so' : 'nothing tells otherwise');
  }
  const seen = `${String(combed)} of ${String(telling.length)} frames that tell show two times`;
  if (best < INTERLACED_BELOW && Math.max(tff, bff) > ORDER_CLEAR * best) {
    if (tagged === order) return result(order, `the file says so, and its frames agree: ${seen}`);
    const claim = tagged === 'unknown' ? 'the file does not say' : `the file says ${tagged}`;
    return result(order, `${claim}; its frames show ${order}: ${seen}`);
  }
  const enough = telling.length >= LEAST_AGAINST_TAG || (tagged !== 'tff' && tagged !== 'bff');
  if (best > PROGRESSIVE_ABOVE && enough) {
    const claim = tagged === 'tff' || tagged === 'bff' ? `the file says ${tagged}, but its` : 'the';
    return result('progressive', `${claim} frames are whole pictures: ${seen}`);
  }
  if (tagged === 'tff' || tagged === 'bff')
    return result(tagged, `the file says so, and its frames leave it open: ${seen}`);
  return result('progressive', `the frames leave it open: ${seen}`);
}

function ratio(frame: FrameEvidence): number {
  return Math.min(frame.topFirst, frame.bottomFirst) / frame.whole;
}

/** Film at 24 frames a second in 30: in a rhythm of five, two neighbouring frames are woven and three are whole. */
function isTelecine(spot: readonly FrameEvidence[], frameRate: number | null): boolean {
  if (frameRate === null || Math.abs(frameRate - 29.985) > 0.05 || spot.length < 15) return false;
  for (let phase = 0; phase < 5; phase++) {
    const inRhythm = spot
      .map((frame, i) => ({ frame, woven: (i + phase) % 5 < 2 }))
      .filter(({ frame }) => isTelling(frame));
    const woven = inRhythm.filter((entry) => entry.woven);
    const rest = inRhythm.filter((entry) => !entry.woven);
    if (woven.length < 4 || rest.length < 6) continue;
    const fits =
      woven.filter(({ frame }) => ratio(frame) < INTERLACED_BELOW).length >= 0.8 * woven.length &&
      rest.filter(({ frame }) => ratio(frame) > INTERLACED_BELOW).length >= 0.8 * rest.length;
    if (fits) return true;
  }
  return false;
}
