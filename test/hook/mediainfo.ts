import { spawnSync } from 'node:child_process';

export type MediaInfoTrack = Readonly<Record<string, string | Readonly<Record<string, string>>>> & {
  readonly '@type': string;
};

/** Whether MediaInfo is there; tests that need it say so and skip when it is not. */
export const hasMediaInfo = spawnSync('mediainfo', ['--Version']).error === undefined;

/** What MediaInfo says of a file, track by track. */
export function readMediaInfo(file: string): readonly MediaInfoTrack[] {
  const { stdout } = spawnSync('mediainfo', ['--Output=JSON', file]);
  const { media } = JSON.parse(stdout.toString()) as { media: { track: MediaInfoTrack[] } };
  return media.track;
}
