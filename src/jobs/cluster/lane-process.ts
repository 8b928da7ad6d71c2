// A lane in a process of its own, so that a segment that brings it down takes no other with it. Started by LaneChild.
import process from 'node:process';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import {
  runSegmentTask,
  type LaneAnswer,
  type LaneMessage,
  type LaneTask,
} from '../../pipeline/lane.worker.ts';

/** What the lane is told. */
export type LaneOrder =
  { readonly type: 'run'; readonly task: Omit<LaneTask, 'port'> } | { readonly type: 'abort' };
/** What it says. */
export type LaneReport =
  | { readonly type: 'message'; readonly message: LaneMessage }
  | { readonly type: 'answer'; readonly answer: LaneAnswer };

let running: MessagePort | null = null;

process.on('message', (order: LaneOrder) => {
  if (order.type === 'abort') running?.postMessage('abort');
  else void run(order.task);
});
// Ctrl-C, and the end of a service, go to the whole group: when to stop is the parent's to say.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));

async function run(task: Omit<LaneTask, 'port'>): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  running = port1;
  port1.on('message', (message: LaneMessage) => report({ type: 'message', message }));
  const answer = await runSegmentTask({ ...task, port: port2 });
  running = null;
  port1.close();
  report({ type: 'answer', answer });
}

function report(value: LaneReport): void {
  if (process.connected) process.send?.(value);
}
