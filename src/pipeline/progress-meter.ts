import type { ProgressEvent } from './progress.ts';
import type { SegmentResult } from './plan-schema.ts';
import type { StageSeconds } from './run-segment.ts';

/** Seconds over which the speed is averaged. */
const WINDOW_SECONDS = 15;

/** Adds up what the lanes report and makes progress events of it. */
export class ProgressMeter {
  readonly #totalFrames: number;
  readonly #segments: number;
  readonly #framesPerSourceSecond: number;
  readonly #running = new Map<number, { frames: number; stages: StageSeconds }>();
  #samples: { at: number; frames: number }[] = [];
  #done = 0;
  #doneFrames = 0;
  #resumedFrames = 0;
  #doneStages: StageSeconds = { decode: 0, temporal: 0, infer: 0, encode: 0 };

  constructor(o: { totalFrames: number; segments: number; framesPerSourceSecond: number }) {
    this.#totalFrames = o.totalFrames;
    this.#segments = o.segments;
    this.#framesPerSourceSecond = o.framesPerSourceSecond;
  }

  addResumed(result: SegmentResult): void {
    this.#done++;
    this.#resumedFrames += result.frames;
  }

  update(index: number, frames: number, stages: StageSeconds): void {
    this.#running.set(index, { frames, stages });
  }

  finish(result: SegmentResult): void {
    this.#running.delete(result.index);
    this.#done++;
    this.#doneFrames += result.frames;
    this.#doneStages = addStages(this.#doneStages, result.stageSeconds);
  }

  /** The state now, as an event. */
  read(now = performance.now()): ProgressEvent & { type: 'progress' } {
    const running = [...this.#running.values()];
    const fresh = this.#doneFrames + running.reduce((sum, { frames }) => sum + frames, 0);
    this.#samples.push({ at: now, frames: fresh });
    this.#samples = this.#samples.filter(({ at }) => now - at <= WINDOW_SECONDS * 1000);
    const oldest = this.#samples[0];
    const seconds = oldest === undefined ? 0 : (now - oldest.at) / 1000;
    const fps = seconds > 0.5 && oldest !== undefined ? (fresh - oldest.frames) / seconds : 0;
    const frames = this.#resumedFrames + fresh;
    const totalFrames = Math.max(this.#totalFrames, frames);
    const stages = running.reduce((sum, entry) => addStages(sum, entry.stages), this.#doneStages);
    const busy = stages.decode + stages.temporal + stages.infer + stages.encode || 1;
    return {
      type: 'progress',
      frames,
      totalFrames,
      resumedFrames: this.#resumedFrames,
      fps,
      speed: fps / this.#framesPerSourceSecond,
      etaSeconds: fps > 0 ? (totalFrames - frames) / fps : null,
      share: {
        decode: stages.decode / busy,
        temporal: stages.temporal / busy,
        infer: stages.infer / busy,
        encode: stages.encode / busy,
      },
      segmentsDone: this.#done,
      segments: this.#segments,
    };
  }
}

function addStages(a: StageSeconds, b: StageSeconds): StageSeconds {
  return {
    decode: a.decode + b.decode,
    temporal: a.temporal + b.temporal,
    infer: a.infer + b.infer,
    encode: a.encode + b.encode,
  };
}
