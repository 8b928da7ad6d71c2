import { buildArguments } from '../../src/ffmpeg/command.ts';
import { runFfmpeg } from '../../src/ffmpeg/process.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { verifyFiles, type VerifyReport, type VerifyRow } from '../../src/measure/verify-delivery.ts';

/** Tags of PAL video, which the clips carry through. */
export const PAL_TAGS = [
  ...['-colorspace', 'bt470bg', '-color_primaries', 'bt470bg', '-color_trc', 'smpte170m'],
  ...['-color_range', 'tv'],
];
/** A picture without symmetry that never stands still. */
export const MOVING = 'testsrc2=size=192x144:rate=25:duration=3';
/** A sound that is nowhere the same twice. */
export const SWEEP = "aevalsrc='0.3*sin(2*PI*(200+150*t)*t)*(0.4+0.6*abs(sin(3*t)))':s=48000:d=3";

/** Runs ffmpeg from `inputs` (each with its own options before the path) to `path`. */
export async function convert(
  tools: FfmpegTools,
  inputs: readonly (readonly string[])[],
  path: string,
  options: readonly string[],
): Promise<string> {
  const args = buildArguments({
    global: ['-v', 'error'],
    inputs: inputs.map((input) => ({ path: input.at(-1) ?? '', options: input.slice(0, -1) })),
    outputs: [{ path, options }],
  });
  await runFfmpeg(tools, args, { what: `making ${path}` });
  return path;
}

/** The rows of a thorough verification that are not as promised, by check. */
export async function findFaults(
  tools: FfmpegTools,
  source: string,
  output: string,
): Promise<{ report: VerifyReport; failed: string[]; row: (check: string) => VerifyRow | undefined }> {
  const report = await verifyFiles(source, output, { tools, thorough: true });
  return {
    report,
    failed: report.rows.filter(({ status }) => status === 'failed').map(({ check }) => check),
    row: (check) => report.rows.find((row) => row.check === check),
  };
}
