import type { Alignment, ComparisonReport } from '../measure/compare/compare-files.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** What a comparison found, for people. */
export function describeComparison(report: ComparisonReport): string {
  return `${formatHeading('Compared')}\n${layOutTable(listFigures(report))}`;
}

/** Its figures, each with its name. */
export function listFigures(report: ComparisonReport): string[][] {
  const { all, worst, frames, width, height, alignment } = report;
  const chroma = [all.psnrU, all.psnrV].map((value) => (value === null ? 'not comparable' : formatDb(value)));
  return [
    ['compared', `${String(frames.length)} frames of ${String(width)}x${String(height)}`],
    ...(alignment === null ? [] : [['aligned', describeAlignment(alignment)]]),
    ['PSNR', `Y ${formatDb(all.psnrY)}, U ${chroma[0] ?? ''}, V ${chroma[1] ?? ''}`],
    ['worst frame', `${formatDb(worst.psnrY)} at frame ${String(worst.frame)} (${worst.time.toFixed(2)} s)`],
    ['SSIM', all.ssim === null ? 'the picture is too small' : all.ssim.toFixed(5)],
    ['MS-SSIM', all.msSsim === null ? 'the picture is too small' : all.msSsim.toFixed(5)],
    ['VMAF', describeVmaf(report)],
    [
      'flicker',
      all.flicker === null
        ? 'one frame alone'
        : `${formatDb(all.flicker)} (PSNR of the change from frame to frame)`,
    ],
    ['sharpness', `${all.sharpness.toFixed(3)} times the reference's`],
  ];
}

function formatDb(value: number): string {
  return value >= 99 ? 'equal' : `${value.toFixed(2)} dB`;
}

function describeVmaf({ all, vmaf }: ComparisonReport): string {
  if ('leftOut' in vmaf) return `left out: ${vmaf.leftOut}`;
  return `${(all.vmaf ?? 0).toFixed(2)} (harmonic mean ${vmaf.harmonicMean.toFixed(2)}, ${vmaf.model})`;
}

function describeAlignment({ offset, scaledFrom, outside }: Alignment): string {
  const count = (frames: number, file: string): string[] =>
    frames === 0 ? [] : [`${String(frames)} frames of the ${file} without a partner`];
  return [
    offset === 0
      ? 'both begin with the same frame'
      : offset > 0
        ? `the output begins with the reference's frame ${String(offset)}`
        : `the reference begins with the output's frame ${String(-offset)}`,
    ...(scaledFrom === null
      ? []
      : [`the output scaled from ${String(scaledFrom.width)}x${String(scaledFrom.height)} (bicubic)`]),
    ...count(outside.output, 'output'),
    ...count(outside.reference, 'reference'),
  ].join(', ');
}
