import type { FrameVerdict } from './field-verdict.ts';

export interface Pulldown {
  /** Woven frames of five: 2 in the common 2:3 rhythm, 1 in the 2:3:3:2 of some camcorders. */
  readonly woven: 1 | 2;
}

/** Film at 24 frames a second becomes 30 (both may be slowed by 1000/1001). */
const PULLDOWN_RATES = [29.9, 30.1] as const;
const CYCLE = 5;
/** A rhythm must show in this many woven frames at least, so that it is no accident. */
const LEAST_WOVEN_FRAMES = 4;
const LEAST_WHOLE_FRAMES = 6;
const LEAST_FITTING_SHARE = 0.75;
const MOST_ASTRAY_SHARE = 0.15;

/**
 * Finds hard 3:2 pulldown: in a rhythm of five, one frame or two neighbours are woven from two film frames, the others whole. One stretch
 * of frames that shows it is enough; cuts between the stretches may change the rhythm's phase.
 */
export function findPulldown(
  spots: readonly (readonly FrameVerdict[])[],
  frameRate: number | null,
): Pulldown | null {
  if (frameRate === null || frameRate < PULLDOWN_RATES[0] || frameRate > PULLDOWN_RATES[1]) return null;
  for (const woven of [2, 1] as const) {
    for (const verdicts of spots) {
      for (let phase = 0; phase < CYCLE; phase++) {
        if (fitsRhythm(verdicts, phase, woven)) return { woven };
      }
    }
  }
  return null;
}

function fitsRhythm(verdicts: readonly FrameVerdict[], phase: number, woven: number): boolean {
  const at = { woven: { combed: 0, whole: 0 }, other: { combed: 0, whole: 0 } };
  verdicts.forEach((verdict, i) => {
    if (verdict === 'open') return;
    const place = (i + phase) % CYCLE < woven ? at.woven : at.other;
    if (verdict === 'whole') place.whole++;
    else place.combed++;
  });
  const inPlace = at.woven.combed + at.woven.whole;
  const elsewhere = at.other.combed + at.other.whole;
  return (
    at.woven.combed >= LEAST_WOVEN_FRAMES &&
    at.woven.combed >= LEAST_FITTING_SHARE * inPlace &&
    at.other.whole >= LEAST_WHOLE_FRAMES &&
    at.other.combed <= MOST_ASTRAY_SHARE * elsewhere
  );
}
