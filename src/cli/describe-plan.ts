import type { ResolvedOptions } from '../config/resolve-options.ts';
import type { Notice } from '../core/notice.ts';
import type { Plan } from '../pipeline/plan-schema.ts';
import { formatRate } from './describe-source.ts';
import { formatBytes, formatDuration } from '../core/format.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** A plan for people: what, why, and what it takes. */
export function describePlan(plan: Plan, traced?: ResolvedOptions): string {
  const { resources: needs, segments } = plan;
  const blocks = [
    `${formatHeading(plan.source.path)}\n  -> ${plan.assemble.path}`,
    section('Decisions', describeDecisions(plan)),
    section('Other streams', describeStreams(plan)),
    section('Needs', [
      ['frames', describeFrames(plan)],
      [
        'segments',
        `${String(segments.length)}, in ${String(needs.lanes)} lane${needs.lanes === 1 ? '' : 's'}`,
      ],
      ['memory', `${formatBytes(needs.memoryBytes)} of ${formatBytes(needs.memoryLimitBytes)} allowed`],
      [
        'disk',
        `${formatBytes(needs.diskBytes)} while running, ${formatBytes(needs.outputBytes)} for the file (estimates)`,
      ],
      ...(needs.seconds > 0 ? [['time', `about ${formatDuration(needs.seconds)}`]] : []),
    ]),
    section('Options, and where they came from', traced === undefined ? [] : describeOptions(traced)),
    section('Notices', describeNotices(plan.notices)),
  ];
  return blocks.filter((block) => block !== '').join('\n');
}

export function describeDecisions({ decisions }: Pick<Plan, 'decisions'>): string[][] {
  return decisions.map(({ topic, choice, reason }) => [topic, choice, reason]);
}

export function describeNotices(notices: readonly Notice[]): string[][] {
  return notices.map(({ level, message }) => [level, message]);
}

export function describeStreams({ assemble, source }: Plan): string[][] {
  return assemble.streams.map(({ index, type, action, encoder, reason }) => {
    const codec = source.others.find((stream) => stream.index === index)?.codec ?? '';
    const what = action === 'transcode' ? `transcode to ${encoder ?? 'another codec'}` : action;
    return [`${type} ${String(index)}`, codec, what, reason];
  });
}

/** A heading with a table under it; nothing for an empty table. */
export function section(heading: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `\n${formatHeading(heading)}\n${layOutTable(rows)}`;
}

function describeFrames({ expectedFrames, frameRate }: Plan): string {
  return frameRate === null
    ? String(expectedFrames)
    : `${String(expectedFrames)} at ${formatRate(frameRate)}`;
}

function describeOptions({ options, places }: ResolvedOptions): string[][] {
  return Object.entries(places).map(([key, place]) => [
    key,
    JSON.stringify(options[key as keyof typeof options]),
    place,
  ]);
}
