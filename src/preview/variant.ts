import { createHash } from 'node:crypto';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Source } from '../decode/source.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { encodeBlack } from './encode-black.ts';
import { readDecoderConfiguration } from './fragment.ts';
import { cutGrid, type Grid } from './grid.ts';
import { makeInitSegments, type StackedPictures, type View } from './init-segment.ts';
import { Ladder, type Rung } from './ladder.ts';
import { planPreview, type PreviewPlan } from './plan-preview.ts';

export interface VariantOptions {
  readonly input: string;
  readonly source: Source;
  /** As for a run; model and chroma are the rungs'. */
  readonly upscale: UpscaleOptions;
  readonly rungs: readonly Rung[];
  readonly lanes: number;
  /** Where frames are not equally far apart: their times in ticks of the source. */
  readonly frameTimes: Float64Array | null;
  readonly logger: Logger;
}

/** One way to watch the source: sizes, frames and times are the same in all its segments, whatever rung they were made on. */
export class Variant {
  readonly id: string;
  readonly grid: Grid;
  readonly rungs: readonly Rung[];
  readonly ladder: Ladder;
  readonly pictures: StackedPictures;
  readonly #plans: readonly PreviewPlan[];
  #black: Promise<Buffer> | null = null;
  #init: { readonly views: Readonly<Record<View, Buffer>>; readonly configuration: Buffer } | null = null;

  private constructor(options: VariantOptions, plans: readonly [PreviewPlan, ...PreviewPlan[]]) {
    const { rungs, lanes, frameTimes } = options;
    const [{ plan }] = plans;
    this.rungs = rungs;
    this.#plans = plans;
    // Where there is a choice of rungs, the first segment tells which one keeps up.
    this.grid = cutGrid(withKeyframes(plans[0]), rungs.length === 1, frameTimes);
    this.id = createHash('sha256')
      .update(JSON.stringify(plans.map((made) => made.plan.hash)))
      .digest('hex')
      .slice(0, 16);
    // Every other frame is half the work.
    const estimates = plans.map(
      ({ frameSeconds }, i) => frameSeconds / (rungs[i]?.halfRate === true ? 2 : 1),
    );
    this.ladder = new Ladder(estimates, lanes);
    const { decode, encode, infer, source } = plan;
    this.pictures = {
      stacked: { width: encode.width, height: encode.height },
      upscaled: { width: infer.output.width, height: infer.output.height },
      original: { width: decode.width, height: decode.height },
      sampleAspectRatio: turnAspect(source),
    };
  }

  /** Plans every rung; the source is not read again. */
  static async open(options: VariantOptions): Promise<Variant> {
    const { input, source, upscale, rungs, logger } = options;
    const plans = await Promise.all(
      rungs.map(({ model, chroma, halfRate }) =>
        planPreview(input, { upscale: { ...upscale, model, chroma }, halfRate, source, logger }),
      ),
    );
    const [first, ...others] = plans;
    if (first === undefined) throw new UpscaleError('INTERNAL', 'A variant has no rung.');
    return new Variant(options, [first, ...others]);
  }

  planOf(rung: number): PreviewPlan {
    const found = this.#plans[rung];
    if (found === undefined) throw new UpscaleError('INTERNAL', `There is no rung ${rung}.`);
    return found;
  }

  /** What pieces are cut by: the plan with all that is known of the source. */
  cutOf(rung: number): Pick<PreviewPlan, 'plan' | 'leadFrames'> {
    const made = this.planOf(rung);
    return { plan: withKeyframes(made), leadFrames: made.leadFrames };
  }

  /** What players need before the first frame; null before any frame was made. */
  get init(): { readonly views: Readonly<Record<View, Buffer>>; readonly configuration: Buffer } | null {
    return this.#init;
  }

  /** Makes the init segments of an encoded piece. */
  async setInit(
    movie: Buffer,
    options: { readonly tools: FfmpegTools; readonly directory: string },
  ): Promise<void> {
    if (this.#init !== null) return;
    const { timeBase } = this.planOf(0).plan.decode;
    const views = await makeInitSegments(movie, this.pictures, { ...options, timescale: timeBase.den });
    this.#init = { views, configuration: readDecoderConfiguration(movie) };
  }

  /** A movie of one black frame. */
  black(options: { readonly tools: FfmpegTools; readonly directory: string }): Promise<Buffer> {
    this.#black ??= encodeBlack(this.planOf(0).plan.encode, options);
    return this.#black;
  }

  /** A time of the plan on the players' clock, in units of the fragments. */
  toUnits(ticks: number): number {
    return Math.round(ticks - this.grid.originTicks) * this.planOf(0).plan.decode.timeBase.num;
  }
}

function withKeyframes({ plan, source }: PreviewPlan): PreviewPlan['plan'] {
  return { ...plan, source };
}

function turnAspect({ video }: Source): { num: number; den: number } {
  const { num, den } = video.sampleAspectRatio;
  return video.rotation % 180 === 0 ? { num, den } : { num: den, den: num };
}
