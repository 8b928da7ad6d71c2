import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UpscaleError } from '../../core/errors.ts';
import type { LaneRun } from '../../pipeline/lane-pool.ts';
import type { SegmentResult } from '../../pipeline/plan-schema.ts';
import type { LaneOrder, LaneReport } from './lane-process.ts';

/** A lane in a process of its own: one segment at a time; started when it is needed, and again after it broke down. */
export class LaneChild {
  #child: ChildProcess | null = null;

  /** Runs one segment. Throws `LANE_FAILED`, retryable, when the process dies in it. */
  async run({ plan, tools, index, directory, signal, onMessage }: LaneRun): Promise<SegmentResult> {
    const child = (this.#child ??= this.#start());
    const abort = (): void => send(child, { type: 'abort' });
    signal.addEventListener('abort', abort);
    let onExit: ((code: number | null, killer: string | null) => void) | undefined;
    try {
      return await new Promise<SegmentResult>((resolve, reject) => {
        child.on('message', (report: LaneReport) => {
          if (report.type === 'message') onMessage(report.message);
          else if (report.answer.ok) resolve(report.answer.result);
          else reject(UpscaleError.revive(report.answer.error));
        });
        onExit = (code, killer) => reject(describeDeath(index, code, killer));
        child.once('exit', onExit);
        send(child, { type: 'run', task: { plan, tools, index, directory } });
        if (signal.aborted) abort();
      });
    } finally {
      signal.removeEventListener('abort', abort);
      child.removeAllListeners('message');
      if (onExit !== undefined) child.off('exit', onExit);
    }
  }

  /** Ends the process. Call it only when no run is under way. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    await gone;
  }

  #start(): ChildProcess {
    const fromSource = import.meta.url.endsWith('.ts');
    const program = new URL(fromSource ? './lane-process.ts' : './lane-process.js', import.meta.url);
    const child = fork(fileURLToPath(program), {
      serialization: 'advanced',
      execArgv: fromSource ? ['--import', 'tsx'] : [],
    });
    const forget = (): void => {
      if (this.#child === child) this.#child = null;
    };
    child.once('exit', forget);
    // A process that cannot be started has no exit of its own. One that is killed may tell several errors of its channel.
    child.on('error', () => {
      forget();
      child.emit('exit', null, null);
    });
    return child;
  }
}

function send(child: ChildProcess, order: LaneOrder): void {
  // A child that is gone says so by its exit.
  if (child.connected) child.send(order, () => undefined);
}

function describeDeath(index: number, code: number | null, killer: string | null): UpscaleError {
  const how = killer === null ? `with code ${String(code)}` : `by ${killer}`;
  return new UpscaleError('LANE_FAILED', `A lane broke down in segment ${index}: its process ended ${how}.`, {
    retryable: true,
  });
}
