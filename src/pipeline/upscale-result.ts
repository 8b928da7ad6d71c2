import type { Notice } from '../core/notice.ts';
import type { Precision } from '../infer/infer-plan.ts';
import type { Plan } from './plan-schema.ts';

/** What a finished run gives back. */
export interface UpscaleResult {
  readonly output: string;
  readonly plan: Plan;
  readonly frames: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Execution provider that really ran, and why others did not. */
  readonly device: string;
  /** What the networks computed in there. */
  readonly precision: Precision;
  readonly deviceTried: readonly { readonly device: string; readonly error: string }[];
  readonly notices: readonly Notice[];
  /** The source did not decode whole: what was lost. Null when it did. */
  readonly damage: { readonly complaints: readonly string[]; readonly missingFrames: number } | null;
  /** Presentation times of all frames, ticks of `plan.decode.timeBase`, before the origin is subtracted. */
  readonly pts: readonly number[];
}
