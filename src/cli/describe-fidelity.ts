import type { FidelityReport } from '../measure/fidelity/fidelity-report.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** What was found of a file's fidelity, for people. */
export function describeFidelity(report: FidelityReport): string {
  const { source, output, consistency, worst, beyondBand, frames, temporal } = report;
  const chroma = [consistency.u, consistency.v].filter((value) => value !== null);
  const size = (file: FidelityReport['source']): string => `${String(file.width)}x${String(file.height)}`;
  const rows = [
    ['compared', `${String(frames.length)} frames, ${size(output)} brought back to ${size(source)}`],
    ...(temporal === 'off' ? [] : [['against', `the source's frames as blended over time (${temporal})`]]),
    [
      'consistency',
      `${formatDb(consistency.y)}${chroma.length === 0 ? '' : ` (chroma ${chroma.map(formatDb).join(', ')})`}`,
    ],
    ['worst frame', `${formatDb(worst.y)} at frame ${String(worst.frame)} (${worst.time.toFixed(2)} s)`],
    [
      'beyond the source',
      beyondBand === null
        ? 'the picture is too small to tell'
        : `${beyondBand.rms.toFixed(2)} code values, ${(100 * beyondBand.share).toFixed(2)} % of all detail's energy`,
    ],
  ];
  return `${formatHeading('Fidelity')}\n${layOutTable(rows)}\n${NOTE}`;
}

function formatDb(value: number): string {
  return value >= 99 ? 'equal' : `${value.toFixed(2)} dB`;
}

const NOTE = `Consistency: PSNR of the output, brought back to the source's samples, against the source. Beyond the source: detail that is
finer than the source can hold, and so was added.`;
