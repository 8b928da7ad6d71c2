import path from 'node:path';
import type { ResolvedOptions } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { writeWhole } from '../ffmpeg/disk-cache.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { describePrecision } from '../infer/infer-plan.ts';
import { drawHeatMap } from '../measure/fidelity/draw-heat-map.ts';
import { measureRunFidelity } from '../measure/fidelity/measure-run-fidelity.ts';
import { measureFlicker } from '../measure/measure-flicker.ts';
import type { VerifyReport } from '../measure/verify-report.ts';
import { hashDelivery } from '../pipeline/plan-hash.ts';
import { encodePng } from '../pipeline/sheet.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';
import { drawStills } from './draw-stills.ts';
import { renderReport } from './render-report.ts';
import type { ReportFiles } from './report-files.ts';
import { CURRENT_REPORT, identifyOutput, writeReport, type Report } from './report.ts';

export interface MakeReportOptions {
  readonly files: ReportFiles;
  /** What people call the files, where the paths of this machine say nothing to them. */
  readonly names?: { readonly source: string; readonly output: string } | undefined;
  readonly verify: VerifyReport | null;
  /** Options that are not defaults; see {@link listOptions}. */
  readonly options: Report['options'];
  /** The command that makes this file. */
  readonly command: string;
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** Writes the page, its stills and the document on what was delivered; the document last, as with it the file counts as done. */
export async function makeReport(result: UpscaleResult, options: MakeReportOptions): Promise<Report> {
  const { files, names, verify, command, tools, signal, logger } = options;
  const read = { tools, signal, logger };
  const stills = await attempt('stills', logger, () => drawStills(result, { ...read, folder: files.stills }));
  const relative = (file: string): string =>
    path.relative(path.dirname(files.page), file).replaceAll(path.sep, '/');
  const { plan } = result;
  const { displayWidth, displayHeight, width, height } = plan.geometry;
  const report: Report = {
    ...CURRENT_REPORT,
    source: names?.source ?? plan.source.path,
    output: names?.output ?? result.output,
    delivery: hashDelivery(plan),
    identity: await identifyOutput(plan),
    command,
    finishedAt: new Date().toISOString(),
    seconds: result.seconds,
    frames: result.frames,
    bytes: result.bytes,
    device: describePrecision(result.device, result.precision),
    geometry: { displayWidth, displayHeight, width, height },
    options: options.options,
    decisions: plan.decisions,
    notices: [...result.notices],
    damage: result.damage === null ? null : { ...result.damage, complaints: [...result.damage.complaints] },
    verify: verify === null ? null : { ok: verify.ok, rows: [...verify.rows] },
    flicker: (await attempt('flicker', logger, () => measureFlicker(result, read))) ?? null,
    fidelity:
      (await attempt('fidelity', logger, () => measureFidelity(result, { ...read, files, relative }))) ??
      null,
    stills: (stills ?? []).map((still) => ({
      seconds: still.seconds,
      before: relative(still.before),
      after: relative(still.after),
    })),
  };
  await writeWhole(files.page, renderReport(report));
  await writeReport(files.json, report);
  return report;
}

/** Measures fidelity, and draws its heat map beside the stills. */
async function measureFidelity(
  result: UpscaleResult,
  {
    files,
    relative,
    ...read
  }: Parameters<typeof measureRunFidelity>[1] & {
    readonly files: ReportFiles;
    readonly relative: (file: string) => string;
  },
): Promise<Report['fidelity']> {
  const { report, departures, blended } = await measureRunFidelity(result, read);
  const { consistency, worst, beyondBand, frames } = report;
  const picture = path.join(files.stills, 'fidelity.png');
  await writeWhole(picture, await encodePng(drawHeatMap(departures), read));
  return {
    frames: frames.length,
    consistency,
    worst: { frame: worst.frame, y: worst.y },
    blended,
    beyondBand,
    heatMap: relative(picture),
  };
}

/** The options that are not defaults, with where they came from. */
export function listOptions({ options, places }: ResolvedOptions): Report['options'] {
  return Object.entries(places).map(([name, place]) => ({
    name,
    value: JSON.stringify(options[name as keyof typeof options]),
    place,
  }));
}

/** What is only shown must not cost a finished file its place. */
async function attempt<T>(
  what: string,
  logger: Logger | undefined,
  run: () => Promise<T>,
): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    const known = UpscaleError.from(error);
    if (known.code === 'ABORTED') throw known;
    logger?.warn(`The report has no ${what}: ${known.message}`);
    return null;
  }
}
