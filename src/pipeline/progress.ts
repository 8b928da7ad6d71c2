import type { Notice } from '../core/notice.ts';

/** What a run reports while it works. */
export type ProgressEvent =
  | { readonly type: 'stage'; readonly stage: 'probe' | 'plan' | 'run' | 'assemble' | 'verify' }
  | { readonly type: 'notice'; readonly notice: Notice }
  | {
      readonly type: 'progress';
      /** Frames encoded so far, resumed segments included, and frames expected in all. */
      readonly frames: number;
      readonly totalFrames: number;
      /** Frames taken over from an earlier, interrupted run. */
      readonly resumedFrames: number;
      /** Frames a second over the last seconds; 0 until known. */
      readonly fps: number;
      /** Source seconds upscaled a second; 1 is real time. */
      readonly speed: number;
      /** Seconds left; null until known. */
      readonly etaSeconds: number | null;
      /** Share of each stage in the lanes' busy time, 0..1. */
      readonly share: {
        readonly decode: number;
        readonly temporal: number;
        readonly infer: number;
        readonly encode: number;
      };
      readonly segmentsDone: number;
      readonly segments: number;
    };

export type ProgressListener = (event: ProgressEvent) => void;
