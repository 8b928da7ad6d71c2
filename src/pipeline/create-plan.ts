import type { Decision, Notice } from '../core/notice.ts';
import type { Color } from '../core/color.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { multiply, rational, toNumber, type Rational } from '../core/rational.ts';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { chooseWorkFormat } from '../decode/choose-work-format.ts';
import type { DecodePlan } from '../decode/decode-plan.ts';
import { planDecode } from '../decode/plan-decode.ts';
import { resolveColor } from '../decode/resolve-color.ts';
import { exactDisplaySize } from '../decode/read-video-stream.ts';
import type { Source } from '../decode/source.ts';
import { planEncode } from '../encode/plan-encode.ts';
import { planProvenance } from '../encode/provenance.ts';
import { findProfile, outputFormatFor } from '../encode/profiles.ts';
import type { Capabilities } from '../ffmpeg/capabilities.ts';
import type { PrecisionChoice } from '../infer/choose-precision.ts';
import { channelsOf } from '../infer/infer-layout.ts';
import type { ChromaNetwork } from '../infer/infer-plan.ts';
import { arenaBytesForInfer, planInfer } from '../infer/plan-infer.ts';
import type { ResolvedModels } from '../infer/resolve-models.ts';
import { describeProvenance } from './describe-provenance.ts';
import { arenaBytes } from './flight.ts';
import { findFrameRange, type FrameRange } from './frame-range.ts';
import type { Machine } from './machine.ts';
import { hashPlan } from './plan-hash.ts';
import { PLAN_VERSION, type Plan, type Resources } from './plan-schema.ts';
import {
  BASE_BYTES,
  comfortableMemory,
  decoderBytes,
  memoryLimit,
  preferredLanes,
  refuseMemory,
  WORKER_BYTES,
} from './resources.ts';
import { cutSegments } from './segments.ts';
import { chooseTargetSize } from './target-size.ts';
import { estimateSeconds } from './time-estimate.ts';
import { chooseTemporal } from './choose-temporal.ts';

/** What planning needs to know besides the source and the wishes. */
export interface PlanContext {
  readonly capabilities: Capabilities;
  /** What `--model` names, and how that was understood. */
  readonly models: ResolvedModels;
  /** Networks for chroma that are installed. */
  readonly chroma: readonly ChromaNetwork[];
  /** Of accelerators. @defaultValue `fp32` */
  readonly precision?: PrecisionChoice;
  readonly machine: Machine;
  /** Absolute output path, pattern, or `-`. */
  readonly outputPath: string;
  /** Encoder profile: `auto` and `auto-hw` are already resolved where that takes trying. */
  readonly encoder: string;
  /** Versions that decide pixels, for the plan's hash. */
  readonly versions: Readonly<Record<string, string>>;
}

const SEGMENT_SECONDS = 20;
/** Activations of one session are kept below this where tiles allow; larger ones are no faster. */
const PREFERRED_ACTIVATION_BYTES = 192 * 1024 * 1024;

/** Makes every decision of a run. Pure: the same arguments give the same plan. Throws what would fail later, now. */
export function createPlan(source: Source, options: UpscaleOptions, context: PlanContext): Plan {
  const { video } = source;
  const decisions: Decision[] = [];
  const notices: Notice[] = [...source.notices];
  const collect = <T extends { decisions: readonly Decision[]; notices?: readonly Notice[] }>(part: T): T => {
    decisions.push(...part.decisions);
    notices.push(...(part.notices ?? []));
    return part;
  };

  const display = { width: video.displayWidth, height: video.displayHeight };
  const target = collect(chooseTargetSize(exactDisplaySize(video), options));
  const profile = findProfile(context.encoder);
  const workFormat = chooseWorkFormat(video, {
    modelChannels: channelsOf(context.models.models),
    keepRgb: profile.family !== 'yuv',
    keepAlpha: video.hasAlpha && profile.alpha,
  });
  const { color } = collect(resolveColor(source, pixelFormat(workFormat).family));
  const { plan: decode } = collect(
    planDecode(source, { deinterlace: options.deinterlace, format: workFormat, color }),
  );
  const temporal = chooseTemporal(options.temporal, {
    faithful: options.faithful,
    radius: options.temporalRadius,
  });
  decisions.push(temporal.decision);

  const outputFormat = outputFormatFor(profile, workFormat);
  const outputColor = { ...color, chromaLocation: outputChromaLocation(color, outputFormat) };
  const frameRate = outputFrameRate(video.frameRate ?? video.averageFrameRate, decode);
  const { cores, availableBytes, sharedBy = 1 } = context.machine;
  const limit = Math.floor(memoryLimit(options.memory, availableBytes) / sharedBy);
  // The cuts go by the whole machine: how many runs share it must not make finished segments worthless.
  const preferred = preferredLanes(cores, options.device);
  const range = options.frames === undefined ? null : findFrameRange(source, decode, options.frames);
  if (range !== null) decisions.push(describeRange(range, source));
  const segments = cutSegments(video, decode, {
    lanes: preferred,
    targetSeconds: options.segmentSeconds ?? SEGMENT_SECONDS,
    leadFrames: temporal.plan.radius,
    range,
  });

  const share = Math.max(1, Math.floor(preferred / sharedBy));
  const mostLanes = Math.min(options.workers ?? share, segments.length);
  for (let lanes = mostLanes; ; lanes--) {
    const threads = Math.max(1, Math.floor(cores / sharedBy / lanes));
    const encoded = planEncode({
      profile: context.encoder,
      outputPath: context.outputPath,
      workFormat: outputFormat,
      width: target.width,
      height: target.height,
      color: outputColor,
      hdr: video.hdr,
      timeBase: decode.timeBase,
      frameRate,
      framesPerInput: decode.framesPerInput,
      crf: options.crf,
      preset: options.encoderPreset,
      extraArguments: options.encoderArgs,
      source,
      copyTimestamps: decode.copyTimestamps,
      clockStreams: decode.clockStreams,
      range,
      audio: options.audio,
      capabilities: context.capabilities,
      overwrite: options.overwrite,
      threads,
    });
    const fixed = BASE_BYTES + lanes * (WORKER_BYTES + encoded.estimate.encoderMemoryBytes);
    const decoders = lanes * decoderBytes(decode, video, threads);
    const inferred = planInfer({
      models: context.models.models,
      larger: context.models.larger,
      chroma: options.chroma === 'filter' ? [] : context.chroma,
      magnification: target.magnification,
      input: { format: workFormat, width: decode.width, height: decode.height, color },
      output: {
        format: outputFormat,
        width: target.width,
        height: target.height,
        chromaLocation: outputColor.chromaLocation,
      },
      // What computes in int8 asks for no accelerator.
      device: options.precision === 'int8' && options.device === 'auto' ? 'cpu' : options.device,
      threads,
      memoryBytes: activationBudget(limit - fixed - decoders, lanes),
      faithful: options.faithful,
      largestTile: options.tile === 'auto' ? null : options.tile,
      ...(context.precision === undefined ? {} : { precision: context.precision.precision }),
    });
    const arena = arenaBytes(inferred.plan, temporal.plan, arenaBytesForInfer(inferred.plan));
    const memoryBytes = fixed + decoders + lanes * (arena + inferred.activationBytes);
    if (lanes > 1 && memoryBytes > comfortableMemory(limit)) continue;
    if (memoryBytes > limit) refuseMemory(memoryBytes, limit);
    collect(encoded);
    collect(inferred);
    decisions.push(...context.models.decisions);
    if (context.precision !== undefined) decisions.push(context.precision.decision);
    const expectedFrames = segments.reduce((sum, segment) => sum + segment.expectedFrames, 0);
    const seconds = expectedFrames / (frameRate === null ? 25 : toNumber(frameRate));
    const outputBytes = Math.ceil(encoded.estimate.bytesPerSecond * seconds);
    const resources: Resources = {
      lanes,
      arenaBytes: arena,
      inferenceBytes: inferred.activationBytes,
      encoderBytes: encoded.estimate.encoderMemoryBytes,
      decoderBytes: decoders / lanes,
      baseBytes: BASE_BYTES + lanes * WORKER_BYTES,
      memoryBytes,
      memoryLimitBytes: limit,
      diskBytes: 2 * outputBytes,
      outputBytes,
      seconds: estimateSeconds({
        frames: expectedFrames,
        infer: inferred.plan,
        source: decode,
        output: target,
        encoder: encoded.encode.encoder,
        cores: cores / sharedBy,
        accelerated: options.device !== 'auto' && options.device !== 'cpu',
      }),
    };
    const assemble =
      options.provenance === 'none'
        ? encoded.assemble
        : planProvenance(
            encoded.assemble,
            describeProvenance(inferred.plan, target.magnification, source),
            options.provenance === 'sidecar',
          );
    const plan = {
      version: PLAN_VERSION as typeof PLAN_VERSION,
      source,
      // Several threads conceal damage in ways that differ from run to run.
      decode: { ...decode, threads: video.scan.complete ? threads : 1 },
      temporal: temporal.plan,
      infer: inferred.plan,
      encode: encoded.encode,
      assemble,
      segments,
      geometry: {
        displayWidth: display.width,
        displayHeight: display.height,
        width: target.width,
        height: target.height,
        magnification: target.magnification,
      },
      expectedFrames,
      frameRate,
      lastFrameTicks: range === null ? findLastFrameTicks(source, decode, frameRate) : null,
      resources,
      strict: options.strict,
      decisions,
      notices,
    };
    return { ...plan, hash: hashPlan(plan, context.versions) };
  }
}

function describeRange({ first, frames, seconds }: FrameRange, { video }: Source): Decision {
  return {
    topic: 'frames',
    choice: `${frames} of ${video.scan.frames}, from frame ${first} on`,
    reason: `asked for; ${toNumber(seconds).toFixed(3)} s`,
  };
}

/** Only 4:2:0 has a choice that files can tell; everywhere else chroma is sited left, and the lane moves it there. */
function outputChromaLocation(color: Color, format: string): Color['chromaLocation'] {
  return pixelFormat(format).chroma === '420' ? color.chromaLocation : 'left';
}

function activationBudget(freeBytes: number, lanes: number): number {
  return Math.max(16 * 1024 * 1024, Math.min(PREFERRED_ACTIVATION_BYTES, Math.floor(freeBytes / lanes / 2)));
}

/** The container's word counts where frames are shown for various times, or the last one for much longer: animations and recordings of screens pause there. */
function findLastFrameTicks(
  { video: { scan }, discontinuous }: Source,
  { timeBase }: DecodePlan,
  rate: Rational | null,
): number | null {
  const usual = rate === null ? (scan.step?.median ?? 0) : 1 / toNumber(rate) / toNumber(timeBase);
  if (discontinuous || scan.lastDuration === null) return null;
  return scan.variableFrameRate || scan.lastDuration > 1.5 * usual ? scan.lastDuration : null;
}

function outputFrameRate(rate: Rational | null, decode: DecodePlan): Rational | null {
  return rate === null ? null : multiply(rate, rational(decode.framesPerInput));
}
