import { createHash } from 'node:crypto';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import type { Logger } from '../core/logger.ts';
import { formatRational } from '../core/rational.ts';
import type { Source } from '../decode/source.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { planInfer } from '../infer/plan-infer.ts';
import { describeFilter } from '../infer/registry.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import { prepare } from '../pipeline/prepare.ts';
import { stackBytes, stackedSize } from '../pipeline/stack-frames.ts';
import { CORE_FLOPS, estimateSeconds } from '../pipeline/time-estimate.ts';

/** Frames of one lane that may be between decoder and encoder. */
const FRAMES_IN_FLIGHT = 10;
/** No frame waits for another one, and none is shown before it is decoded. */
const ENCODER_ARGUMENTS = ['-bf', '0', '-tune', 'zerolatency'];
/** Encoders and networks look up between tiles only, and a seek must be heard within 100 ms. */
const TILE_SECONDS = 0.07;
const LEAST_TILE = 128;

export interface PlanPreviewOptions {
  /** As for a run; encoder, output and sound are set here. */
  readonly upscale: UpscaleOptions;
  /** Every other frame only. */
  readonly halfRate: boolean;
  readonly source?: Source | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

export interface PreviewPlan {
  readonly tools: FfmpegTools;
  readonly source: Source;
  /** Its segments are not used: {@link cutGrid} makes others. */
  readonly plan: Plan;
  /** Frames of the source that a segment decodes before its own, so that enough are left of them. */
  readonly leadFrames: number;
  /** Seconds of one core that a frame should take, good to a factor of two. */
  readonly frameSeconds: number;
}

/** Plans a run that is watched and not kept: a fast encoder, a format that browsers play, and the source's frames below the upscaled ones. */
export async function planPreview(input: string, options: PlanPreviewOptions): Promise<PreviewPlan> {
  const { signal, logger, source: known } = options;
  const upscale: UpscaleOptions = {
    ...options.upscale,
    encoder: 'h264-8bit',
    encoderPreset: 'ultrafast',
    crf: 22,
    encoderArgs: ENCODER_ARGUMENTS,
    output: 'preview.mp4',
    audio: 'none',
    segmentSeconds: 1,
  };
  const first = await prepare(input, upscale, { signal, logger, source: known });
  const tile = chooseTile(first.plan);
  const { tools, source, plan } =
    tile === null
      ? first
      : await prepare(input, { ...upscale, tile }, { signal, logger, source: first.source });
  const { video } = source;
  const rate = video.frameRate ?? video.averageFrameRate;
  // The encoder would guess it from the frames, and put what it guessed into the stream's header: pieces would differ.
  const rateArguments = ['-x264opts', `fps=${rate === null ? '25' : formatRational(rate)}`];
  const decode = {
    ...plan.decode,
    // Frames are told apart by their times, so where decoding starts may differ from a run's.
    seek: canSeek(source) ? ('keyframe' as const) : plan.decode.seek,
    filters: options.halfRate ? [...plan.decode.filters, dropEveryOther(plan)] : plan.decode.filters,
  };
  const encode = { ...plan.encode, encoderArguments: [...plan.encode.encoderArguments, ...rateArguments] };
  const stacked = addBeside({ ...plan, decode, encode });
  const frameSeconds =
    estimateSeconds({
      frames: 1000,
      infer: plan.infer,
      source: plan.decode,
      output: plan.encode,
      // The fastest preset costs about what a hardware encoder does.
      encoder: 'ultrafast',
      cores: 1,
      accelerated: upscale.device !== 'auto' && upscale.device !== 'cpu',
    }) / 1000;
  const leadFrames = options.halfRate ? 2 * plan.temporal.radius + 2 : plan.temporal.radius;
  return { tools, source, plan: stacked, leadFrames, frameSeconds };
}

/** Whether segments can be found by their times at all. */
export function canSeek(source: Source): boolean {
  const { scan } = source.video;
  return (
    source.kind === 'file' &&
    !source.discontinuous &&
    scan.firstPts !== null &&
    scan.missingPts === 0 &&
    scan.keyframes.length > 1
  );
}

function addBeside(plan: Plan): Plan {
  const { decode, infer } = plan;
  const { plan: beside } = planInfer({
    models: [describeFilter('lanczos')],
    chroma: [],
    magnification: 1,
    input: infer.input,
    output: { ...infer.output, width: decode.width, height: decode.height },
    device: 'cpu',
    threads: 1,
    memoryBytes: 0,
  });
  const size = stackedSize(infer.output, beside.output);
  const made = {
    ...plan,
    beside,
    // A lane needs no more of the source than its decoder does.
    source: {
      ...plan.source,
      video: { ...plan.source.video, scan: { ...plan.source.video.scan, keyframes: [] } },
    },
    encode: { ...plan.encode, ...size },
    resources: {
      ...plan.resources,
      arenaBytes: plan.resources.arenaBytes + stackBytes(beside, infer.output, FRAMES_IN_FLIGHT),
    },
  };
  const hash = createHash('sha256')
    .update(JSON.stringify([plan.hash, decode, beside, made.encode]))
    .digest('hex');
  return { ...made, hash };
}

/** The largest square tile that is done in time; null where whole frames are. */
function chooseTile({ infer }: Plan): number | null {
  if (infer.device !== 'auto' && infer.device !== 'cpu') return null;
  const flops = infer.passes.reduce((sum, { flopsPerSample }) => sum + flopsPerSample, 0);
  const samples = (TILE_SECONDS * CORE_FLOPS * infer.threads) / Math.max(1, flops);
  if (samples >= infer.input.width * infer.input.height) return null;
  return Math.max(LEAST_TILE, Math.floor(Math.sqrt(samples)));
}

/** By time and not by number, so that it does not depend on where decoding starts. */
function dropEveryOther({ frameRate }: Plan): string {
  const rate = frameRate === null ? 50 : frameRate.num / frameRate.den;
  return `select='not(mod(round(t*${String(rate)}),2))'`;
}
