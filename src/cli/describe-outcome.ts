import { toNumber } from '../core/rational.ts';
import type { UpscaleOutcome } from '../index.ts';
import { describeDecisions, describeNotices, describeStreams, section } from './describe-plan.ts';
import { describeVerify } from './describe-verify.ts';
import { formatBytes, formatDuration } from '../core/format.ts';
import { describePrecision } from '../infer/infer-plan.ts';
import { formatHeading } from './text-table.ts';

/** What a finished run did, for people. */
export function describeOutcome({ result, verify }: UpscaleOutcome): string {
  const { plan } = result;
  const { displayWidth, displayHeight, width, height } = plan.geometry;
  const size = `${displayWidth}x${displayHeight} -> ${width}x${height}`;
  const blocks = [
    formatHeading(`${plan.source.path}: ${size}, ${String(result.frames)} frames in ${describeTime(result)}`),
    section('Decisions', describeDecisions(plan)),
    section('Other streams', describeStreams(plan)),
    section('Device', describeDevice(result)),
    section('Notices', describeNotices(result.notices)),
    section('Damage', describeDamage(result)),
    verify === null ? '' : `\n${describeVerify(verify)}`,
    `\n${result.output === '-' ? 'Written to standard output' : result.output} (${formatBytes(result.bytes)})`,
  ];
  return blocks.filter((block) => block !== '').join('\n');
}

function describeTime({ seconds, frames, plan }: UpscaleOutcome['result']): string {
  const fps = seconds > 0 ? frames / seconds : 0;
  const speed = plan.frameRate === null ? '' : `, ${(fps / toNumber(plan.frameRate)).toFixed(2)}x real time`;
  return `${seconds < 10 ? `${seconds.toFixed(1)} s` : formatDuration(seconds)} (${fps.toFixed(1)} fps${speed})`;
}

function describeDevice({ device, precision, deviceTried }: UpscaleOutcome['result']): string[][] {
  return [
    ['ran on', describePrecision(device, precision)],
    ...deviceTried.map((tried) => [`not ${tried.device}`, tried.error.split('\n')[0] ?? '']),
  ];
}

function describeDamage({ damage, plan }: UpscaleOutcome['result']): string[][] {
  if (damage === null) return [];
  return [
    ['source', 'did not decode whole; what could be decoded is in the output'],
    ['missing', `${String(damage.missingFrames)} of ${String(plan.expectedFrames)} frames`],
    ...damage.complaints.map((complaint) => ['decoder', complaint]),
  ];
}
