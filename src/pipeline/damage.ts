import type { Plan, SegmentResult } from './plan-schema.ts';

/** What of a source could not be decoded. */
export interface Damage {
  /** Complaints of the demuxer and the decoder, each once, at most 20. */
  readonly complaints: readonly string[];
  /** Frames that the container promises and that did not come; 0 when only their content is suspect. */
  readonly missingFrames: number;
}

const MOST_COMPLAINTS = 20;

/** Sums up what was lost, or null when the source decoded whole. */
export function describeDamage(plan: Plan, results: readonly SegmentResult[]): Damage | null {
  const { scan } = plan.source.video;
  const complaints = [...new Set([...scan.complaints, ...results.flatMap((result) => result.complaints)])];
  const frames = results.reduce((sum, result) => sum + result.frames, 0);
  const missingFrames = Math.max(0, plan.expectedFrames - frames);
  if (scan.complete && complaints.length === 0 && missingFrames === 0) return null;
  return { complaints: complaints.slice(0, MOST_COMPLAINTS), missingFrames };
}
