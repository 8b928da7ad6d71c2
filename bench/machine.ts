import os from 'node:os';
import { tools } from './clips.ts';

/** What figures were taken on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly ffmpeg: string;
}

export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    node: process.version,
    ffmpeg: tools.version.text,
  };
}
