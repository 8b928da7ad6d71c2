import { findFleet } from '../jobs/cluster/machine-fleet.ts';
import { createMetrics } from '../jobs/cluster/metrics.ts';
import type { ClusterQueue } from '../jobs/cluster/queue.ts';
import type { Store } from '../jobs/cluster/store.ts';
import { runWorker } from '../jobs/cluster/worker.ts';
import { findTools } from '../ffmpeg/tools.ts';
import { readMachine } from '../pipeline/machine.ts';
import { memoryLimit, preferredLanes } from '../pipeline/resources.ts';
import { readMessageOptions, readOption, readRequest } from './arguments.ts';
import { withQueue, withStore } from './cluster-arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel worker`: takes segments and assemblies until it is told to stop. */
export async function runWorkerCommand(raw: RawArguments): Promise<number> {
  const { logLevel } = readMessageOptions(raw);
  const reporter = createReporter({ progress: 'none', logLevel });
  const { ffmpeg, ffprobe, device: asked } = readRequest(raw, 'worker');
  const tools = await findTools({
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
    ...(ffprobe === undefined ? {} : { ffprobe }),
  });
  const device = asked ?? 'cpu';
  const machine = readMachine();
  const lanes = Number(readOption(raw, 'lanes') ?? preferredLanes(machine.cores, device));
  const fleet = findFleet(tools, device);
  using interrupt = guardInterrupts(() =>
    reporter.writeLine('Stopping; what is under way goes back to the others.'),
  );
  const work = async (store: Store, queue: ClusterQueue): Promise<void> => {
    const metrics = createMetrics(() => queue.countWaiting(fleet));
    const port = readOption(raw, 'metrics');
    const server = port === undefined ? null : await metrics.serve(Number(port));
    try {
      reporter.writeLine(
        `Working for ${queue.address.text} in ${String(lanes)} ${lanes === 1 ? 'lane' : 'lanes'}, fleet ${fleet}.`,
      );
      if (server !== null) reporter.writeLine(`Metrics on port ${String(server.port)}.`);
      const { logger } = reporter;
      await runWorker({
        ...{ store, queue, fleet, tools, lanes, metrics, logger },
        memoryBytes: memoryLimit(undefined, machine.availableBytes),
        signal: interrupt.signal,
      });
    } finally {
      server?.close();
    }
  };
  await withStore(raw, (store) => withQueue(raw, (queue) => work(store, queue)));
  return EXIT_CODES.ok;
}
