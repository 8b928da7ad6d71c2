import { formatDuration } from '../core/format.ts';
import type { ProgressEvent } from '../pipeline/progress.ts';

type Progress = Extract<ProgressEvent, { type: 'progress' }>;
type Stage = Extract<ProgressEvent, { type: 'stage' }>['stage'];

/** What is said while a stage is under way. */
export const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  probe: 'Looking at the source ...',
  plan: 'Planning ...',
  run: 'Upscaling ...',
  assemble: 'Putting the file together ...',
  verify: 'Verifying ...',
};

/** `37 %  123/330 frames  4.2 fps  0.17x  50 s left  (infer 71 %)`, as far as it is known. */
export function describeProgress(progress: Progress): string {
  const { frames, totalFrames, resumedFrames, fps, speed, etaSeconds } = progress;
  const parts = [
    formatPercent(totalFrames === 0 ? 1 : frames / totalFrames),
    `${frames}/${totalFrames} frames`,
  ];
  if (resumedFrames > 0) parts.push(`${resumedFrames} taken over`);
  if (fps > 0) parts.push(`${fps.toFixed(fps < 10 ? 1 : 0)} fps`, `${speed.toFixed(2)}x`);
  if (etaSeconds !== null && frames < totalFrames) parts.push(`${formatDuration(etaSeconds)} left`);
  const busiest = findBusiest(progress);
  if (busiest !== null) parts.push(`(${busiest})`);
  return parts.join('  ');
}

/** The stage that takes most of the lanes' time, with its share; null before anything ran. */
function findBusiest({ share }: Progress): string | null {
  const [name, part] = Object.entries(share).reduce((a, b) => (b[1] > a[1] ? b : a));
  return part > 0 ? `${name} ${formatPercent(part)}` : null;
}

export function formatPercent(part: number): string {
  return `${String(Math.floor(part * 100 + 1e-9))} %`;
}
