import { section } from './describe-plan.ts';
import type { Examination } from './examine-machine.ts';
import { formatBytes } from '../core/format.ts';

/** What `upreel doctor` prints for people. */
export function describeExamination(examination: Examination): string {
  const { cpu, memory, disk, ffmpeg, encoders, devices, models, problems } = examination;
  const mark = (available: boolean): string => (available ? 'yes' : 'no');
  const blocks = [
    section('Machine', [
      ['node', `${examination.node} on ${examination.platform}`],
      ['processor', `${cpu.model}, ${String(cpu.cores)} cores`],
      ['memory', `${formatBytes(memory.availableBytes)} of ${formatBytes(memory.totalBytes)} available`],
      ...disk.map(({ path, freeBytes }) => ['disk', `${formatBytes(freeBytes)} free in ${path}`]),
    ]),
    section(
      'ffmpeg',
      ffmpeg === null
        ? [['ffmpeg', 'not found']]
        : [
            ['version', `${ffmpeg.version.text}, ${ORIGINS[ffmpeg.origin]}`],
            ['ffmpeg', ffmpeg.ffmpeg],
            ['ffprobe', ffmpeg.ffprobe],
          ],
    ),
    section(
      'Encoders',
      encoders.map(({ name, available, reason }) => [mark(available), name, firstLine(reason)]),
    ),
    section(
      'Devices',
      devices.map(({ device, available, reason }) => [mark(available), device, firstLine(reason)]),
    ),
    section(
      'Models',
      models.map(({ id, description, isDefault }) => [isDefault ? 'default' : '', id, description]),
    ),
    section(
      'Problems',
      problems.map((problem) => [problem]),
    ),
  ];
  return blocks
    .filter((block) => block !== '')
    .join('\n')
    .trimStart();
}

const ORIGINS: Readonly<Record<NonNullable<Examination['ffmpeg']>['origin'], string>> = {
  option: 'named by --ffmpeg',
  environment: 'named by UPREEL_FFMPEG',
  path: 'found on the PATH',
  embedded: 'embedded',
};

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
