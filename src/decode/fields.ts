import type { FrameEvidence } from './field-evidence.ts';
import { judgeFrame, type FrameVerdict } from './field-verdict.ts';
import { findPulldown } from './pulldown.ts';
import type { FieldAnalysis, FieldKind } from './source.ts';

/** Interlaced when at least this share of the frames that tell is combed, all but a few of them in the same order. */
const LEAST_COMBED_SHARE = 0.2;
const LEAST_AGREEING_SHARE = 0.8;
const LEAST_COMBED_FRAMES = 2;
/** So many frames must speak against a file that says what its fields are. */
const LEAST_AGAINST_TAG = 4;

/**
 * Decides what the fields are from what the file says and what its frames look like. Frames win over the tag where they show
 * something; where they show nothing (still pictures) the tag stands.
 */
export function decideFields(
  tagged: FieldKind,
  spots: readonly (readonly FrameEvidence[])[],
  frameRate: number | null,
): FieldAnalysis {
  const verdicts = spots.map((spot) => spot.map(judgeFrame));
  const count = (verdict: FrameVerdict): number => verdicts.flat().filter((each) => each === verdict).length;
  const [tff, bff, whole] = [count('tff'), count('bff'), count('whole')];
  const combed = tff + bff;
  const order = tff >= bff ? 'tff' : 'bff';
  const saysInterlaced = tagged === 'tff' || tagged === 'bff';
  const result = (found: FieldKind, topFieldFirst: boolean | null, reason: string): FieldAnalysis => ({
    tagged,
    found,
    topFieldFirst,
    mixed: (found === 'tff' || found === 'bff') && whole > combed / 4,
    reason,
    evidence: { frames: verdicts.flat().length, telling: combed + whole, combed, progressive: whole },
  });

  const pulldown = findPulldown(verdicts, frameRate);
  if (pulldown !== null) {
    const woven = pulldown.woven === 2 ? 'two frames of five are' : 'one frame of five is';
    return result('telecine', order === 'tff', `3:2 pulldown: ${woven} woven from two film frames`);
  }
  const seen = `${String(combed)} of ${String(combed + whole)} frames that tell show two times`;
  const isInterlaced =
    combed >= LEAST_COMBED_FRAMES &&
    combed >= LEAST_COMBED_SHARE * (combed + whole) &&
    Math.max(tff, bff) >= LEAST_AGREEING_SHARE * combed;
  if (isInterlaced && (tagged === order || combed >= LEAST_AGAINST_TAG || tagged === 'unknown')) {
    const claim =
      tagged === order
        ? 'the file says so, and its frames agree'
        : tagged === 'unknown'
          ? `the file does not say; its frames show ${order}`
          : `the file says ${tagged}, but its frames show ${order}`;
    return result(order, order === 'tff', `${claim}: ${seen}`);
  }
  if (saysInterlaced) {
    if (!isInterlaced && whole >= LEAST_AGAINST_TAG && whole > 4 * combed) {
      return result(
        'progressive',
        null,
        `the file says ${tagged}, but its frames are whole pictures: ${seen}`,
      );
    }
    const doubt = combed + whole === 0 ? 'too little moves to see' : `its frames leave it open: ${seen}`;
    return result(tagged, tagged === 'tff', `the file says so, and ${doubt}`);
  }
  if (whole > 0) return result('progressive', null, `the frames are whole pictures: ${seen}`);
  return result(
    'progressive',
    null,
    tagged === 'progressive' ? 'the file says so' : 'nothing tells otherwise',
  );
}
