/**
 * Upreel as a library: what the command line does, typed, with `AbortSignal`, progress events, and no `process.exit`.
 *
 * @packageDocumentation
 */
import { resolveUpscaleOptions, type UpscaleRequest } from './config/resolve-options.ts';
import { parseRational } from './core/rational.ts';
import type { Logger } from './core/logger.ts';
import { probe as probeSource } from './decode/probe.ts';
import type { Source } from './decode/source.ts';
import { findTools } from './ffmpeg/tools.ts';
import type { ComparisonReport } from './measure/compare/compare-files.ts';
import type { WorstFrames } from './measure/compare/worst-frames.ts';
import type { FidelityReport } from './measure/fidelity/fidelity-report.ts';
import type { VerifyReport } from './measure/verify-report.ts';
import { chooseTemporal } from './pipeline/choose-temporal.ts';
import type { Plan } from './pipeline/plan-schema.ts';
import { prepare } from './pipeline/prepare.ts';
import type { ProgressListener } from './pipeline/progress.ts';
import { encodePng } from './pipeline/sheet.ts';
import { runUpscale } from './pipeline/upscale.ts';
import type { UpscaleResult } from './pipeline/upscale-result.ts';

export { resolveUpscaleOptions, type UpscaleRequest } from './config/resolve-options.ts';
export type { UpscaleOptions } from './config/upscale-options.ts';
export { ERROR_CODES, UpscaleError, type ErrorCode, type UpscaleErrorOptions } from './core/errors.ts';
export type { Logger } from './core/logger.ts';
export type { Decision, Notice } from './core/notice.ts';
export type { Rational } from './core/rational.ts';
export type { Source } from './decode/source.ts';
export { assemble } from './encode/assemble.ts';
export type { FfmpegTools } from './ffmpeg/tools.ts';
export type { ComparisonReport } from './measure/compare/compare-files.ts';
export { WorstFrames, type DrawnPair } from './measure/compare/worst-frames.ts';
export type { FidelityReport } from './measure/fidelity/fidelity-report.ts';
export type { VerifyReport } from './measure/verify-report.ts';
export { planSchema, type Plan, type Resources, type SegmentResult } from './pipeline/plan-schema.ts';
export type { ProgressEvent, ProgressListener } from './pipeline/progress.ts';
export { runSegment, type LaneResources, type RunSegmentOptions } from './pipeline/run-segment.ts';
export type { UpscaleResult } from './pipeline/upscale-result.ts';

/** What every call takes besides its own options. */
export interface CallOptions {
  /** Stops the work cleanly; the call then throws `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

export interface UpscaleCallOptions extends CallOptions {
  readonly onProgress?: ProgressListener | undefined;
}

/** Which ffmpeg reads the files. */
export interface ToolOptions {
  readonly ffmpeg?: string | undefined;
  readonly ffprobe?: string | undefined;
  /** Frames a second of picture sequences and raw streams: `25`, `30000/1001`. */
  readonly inputFrameRate?: string | undefined;
}

export interface VerifyOptions extends ToolOptions {
  /** Decode both files whole instead of trusting their packets. @defaultValue true */
  readonly thorough?: boolean | undefined;
}

export interface FidelityOptions extends ToolOptions {
  /** Compare with the source's frames as blending over time leaves them, which is what models get. @defaultValue false */
  readonly blended?: boolean | undefined;
  /** Draw a heat map as well. @defaultValue false */
  readonly heatMap?: boolean | undefined;
}

export interface CompareOptions extends ToolOptions {
  /** Keeps the frames that are least alike, and draws them. */
  readonly worst?: WorstFrames | undefined;
  /** Look for a constant shift in frames, and scale the output to the reference's size; the report says both. @defaultValue false */
  readonly align?: boolean | undefined;
  /** Path of a VMAF model in libvmaf's JSON. @defaultValue the one built into libvmaf */
  readonly vmafModel?: string | undefined;
}

export interface FidelityOutcome {
  readonly report: FidelityReport;
  /** A PNG file that shows where the output departs from the source; null unless it was asked for. */
  readonly heatMap: Buffer | null;
}

/** A finished run and the proof of what it delivered. */
export interface UpscaleOutcome {
  readonly result: UpscaleResult;
  /** Null when the output went to standard output and is not there to be looked at. */
  readonly verify: VerifyReport | null;
}

/** Says what the file at `input` (or the picture pattern) really is. Throws `SOURCE_*`, `FFMPEG_*` or `ABORTED`. */
export async function probe(input: string, options: ToolOptions & CallOptions = {}): Promise<Source> {
  const request = resolveUpscaleOptions(pickToolRequest(options));
  const tools = await findTools(pickTools(options));
  const rate = request.inputFrameRate === undefined ? null : parseRational(request.inputFrameRate);
  return probeSource(input, {
    tools,
    ...(rate === null ? {} : { inputFrameRate: rate }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.logger === undefined ? {} : { logger: options.logger }),
  });
}

/** Makes every decision of a run and writes nothing. Throws whatever the run would fail by, as far as that can be known before. */
export async function plan(
  input: string,
  request: UpscaleRequest = {},
  call: CallOptions = {},
): Promise<Plan> {
  const prepared = await prepare(input, resolveUpscaleOptions(request), call);
  return prepared.plan;
}

/**
 * Upscales `input` and looks at what was delivered. The output is whole or absent. A run that was interrupted goes on where it stopped when
 * it is asked for again. A failed verification does not throw: it stands in `verify`.
 */
export async function upscale(
  input: string,
  request: UpscaleRequest = {},
  call: UpscaleCallOptions = {},
): Promise<UpscaleOutcome> {
  const options = resolveUpscaleOptions(request);
  const { result, concluded } = await runUpscale(input, options, call, async (delivered, tools) => {
    if (delivered.output === '-') return null;
    call.onProgress?.({ type: 'stage', stage: 'verify' });
    const { verifyRun } = await import('./measure/verify-delivery.ts');
    return verifyRun(delivered, { tools, signal: call.signal, logger: call.logger });
  });
  return { result, verify: concluded };
}

/** Compares a finished file with its source: frames, times, sync, geometry, colour, streams, timecode. */
export async function verify(
  source: string,
  output: string,
  options: VerifyOptions & CallOptions = {},
): Promise<VerifyReport> {
  resolveUpscaleOptions(pickToolRequest(options));
  const tools = await findTools(pickTools(options));
  const { verifyFiles } = await import('./measure/verify-delivery.ts');
  return verifyFiles(source, output, {
    tools,
    signal: options.signal,
    logger: options.logger,
    thorough: options.thorough ?? true,
    inputFrameRate: options.inputFrameRate,
  });
}

/**
 * Says how much of an output, made by whatever program, its source says: brought back to the source's samples it is compared with the
 * source, and detail that is finer than the source can hold is measured. Throws `SOURCE_*`, `USAGE` for files that do not belong together.
 */
export async function fidelity(
  source: string,
  output: string,
  options: FidelityOptions & CallOptions = {},
): Promise<FidelityOutcome> {
  const { signal, logger, blended = false, heatMap = false } = options;
  const sources = [await probe(source, options), await probe(output, options)] as const;
  const tools = await findTools(pickTools(options));
  const { measureFidelity } = await import('./measure/fidelity/measure-fidelity.ts');
  const { report, departures } = await measureFidelity(...sources, {
    tools,
    signal,
    logger,
    temporal: blended ? chooseTemporal('auto').plan.strength : 'off',
  });
  if (!heatMap) return { report, heatMap: null };
  const { drawHeatMap } = await import('./measure/fidelity/draw-heat-map.ts');
  return { report, heatMap: await encodePng(drawHeatMap(departures), { tools, signal }) };
}

/**
 * Says how like its reference a file is: PSNR, SSIM, MS-SSIM, VMAF where the ffmpeg in use has it, flicker and sharpness of each frame and of all. Throws `USAGE` for files of
 * other sizes, frame rates or numbers of frames, and where one lags behind the other.
 */
export async function compare(
  reference: string,
  output: string,
  options: CompareOptions & CallOptions = {},
): Promise<ComparisonReport> {
  const [own, other] = [await probe(reference, options), await probe(output, options)];
  const tools = await findTools(pickTools(options));
  const { compareFiles } = await import('./measure/compare/compare-files.ts');
  const { signal, logger, worst, align, vmafModel } = options;
  return compareFiles(own, other, { tools, signal, logger, worst, align, vmafModel });
}

function pickTools({ ffmpeg, ffprobe }: ToolOptions): { ffmpeg?: string; ffprobe?: string } {
  return { ...(ffmpeg === undefined ? {} : { ffmpeg }), ...(ffprobe === undefined ? {} : { ffprobe }) };
}

/** The tool options as a request, so that they are checked like all others. */
function pickToolRequest({ ffmpeg, ffprobe, inputFrameRate }: ToolOptions): UpscaleRequest {
  return { ffmpeg, ffprobe, inputFrameRate };
}
