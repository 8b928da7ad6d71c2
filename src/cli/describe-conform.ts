import path from 'node:path';
import type { ConformPlan } from '../hook/conform/plan-conform.ts';
import type { ConformResult } from '../hook/conform/run-conform.ts';
import { formatBytes, formatDuration } from '../core/format.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** What conforming will do, for people. */
export function describeConformPlan(
  file: string,
  { output, size, pieces, left, mediaFolder }: ConformPlan,
): string {
  const sum = (pick: (piece: ConformPlan['pieces'][number]) => number): number =>
    pieces.reduce((total, piece) => total + pick(piece), 0);
  const rows = pieces.map(({ piece, plan }) => [
    path.basename(piece.source.path),
    `${String(piece.first)}-${String(piece.end - 1)} of ${String(piece.source.frames)}`,
    `${String(piece.width)}x${String(piece.height)}`,
    path.basename(piece.path),
    formatBytes(plan.resources.outputBytes),
  ]);
  const frames = sum(({ piece }) => piece.end - piece.first);
  return [
    `${formatHeading(file)}\n  -> ${output}${size === null ? '' : `, ${String(size.width)}x${String(size.height)}`}`,
    rows.length === 0
      ? '\nNothing is upscaled.'
      : `\n${formatHeading(`Into ${mediaFolder}`)}\n${layOutTable([['media', 'frames', 'size', 'new file', 'space'], ...rows])}`,
    `\n${formatHeading('Needs')}\n${layOutTable([
      ['frames', String(frames)],
      ['time', `about ${formatDuration(sum(({ plan }) => plan.resources.seconds))}`],
      ['disk', `${formatBytes(sum(({ plan }) => plan.resources.outputBytes))} (an estimate)`],
    ])}`,
    describeKept(left),
  ]
    .filter((block) => block !== '')
    .join('\n');
}

/** What came of it. */
export function describeConformResult({ output, pieces, kept, verified }: ConformResult): string {
  const rows = pieces.map(({ path: file, frames, verified: right }) => [
    file,
    `${String(frames)} frames`,
    right === null ? 'of an earlier run' : right ? 'verified' : 'FALLS SHORT: see upreel verify',
  ]);
  return [
    `${formatHeading(output)}${verified ? '' : '\n  Some pieces fall short.'}`,
    layOutTable(rows),
    describeKept(kept),
  ]
    .filter((block) => block !== '')
    .join('\n');
}

function describeKept(kept: readonly string[]): string {
  return kept.length === 0
    ? ''
    : `\n${formatHeading('Kept as it is')}\n${kept.map((line) => `  ${line}`).join('\n')}`;
}
