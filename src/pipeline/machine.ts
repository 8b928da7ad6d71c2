import os from 'node:os';
import process from 'node:process';

/** What this machine, or the container that the process runs in, offers. */
export interface Machine {
  readonly cores: number;
  /** Bytes that may be used without swapping, now. */
  readonly availableBytes: number;
  /** Runs that share all this. @defaultValue 1 */
  readonly sharedBy?: number;
}

/** Reads the machine; the limits of a container (cgroup) count as its own. */
export function readMachine(): Machine {
  const constrained = process.constrainedMemory();
  const limit = constrained > 0 && constrained < os.totalmem() ? constrained : os.totalmem();
  return {
    cores: os.availableParallelism(),
    availableBytes: Math.min(process.availableMemory(), limit),
  };
}
