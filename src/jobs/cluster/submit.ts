import { hashDelivery, hashPlan } from '../../pipeline/plan-hash.ts';
import type { Plan } from '../../pipeline/plan-schema.ts';
import type { ClusterJob } from './cluster-job.ts';
import type { ClusterQueue } from './queue.ts';
import type { PlanKeys, Request, Store } from './store.ts';

export interface SubmitOptions {
  readonly queue: ClusterQueue;
  readonly store: Store;
  readonly fleet: string;
  readonly priority: number;
  /** Where source and output lie in the store. */
  readonly keys: PlanKeys;
  /** The command and the options, for the file's report. */
  readonly request: Request;
  /** Brings the source into the store, where it does not lie there; called for what is new only. */
  readonly sendSource?: (() => Promise<void>) | undefined;
}

/**
 * Puts a plan into the store and its work into the queue. `isNew` is false when the same is there already and under way; what failed, or was
 * done before, is begun again, and goes on from the segments that are left of it.
 */
export async function submitPlan(
  plan: Plan,
  { queue, store, fleet, priority, keys, request, sendSource }: SubmitOptions,
): Promise<{ readonly job: ClusterJob; readonly isNew: boolean }> {
  const portable = store.makePortable(plan, keys);
  const job: ClusterJob = {
    id: nameJob(portable, fleet),
    fleet,
    output: keys.output,
    segments: plan.segments.length,
    frames: plan.expectedFrames,
    priority,
    cancelled: false,
  };
  const earlier = await queue.find(job.id);
  const isOver = earlier?.state === 'failed' || earlier?.state === 'done';
  if (earlier !== null && !isOver) return { job, isNew: false };
  // The store first: work must find its plan.
  await sendSource?.();
  await store.writeJob(job.id, plan, portable, request);
  if (isOver) await queue.cancel(job);
  return { job, isNew: await queue.submit(job) };
}

/** The same wherever the store is mounted, and whenever its files came there: by what is made, and the fleet that makes it. */
function nameJob(portable: Plan, fleet: string): string {
  const { source } = portable;
  const timeless = { ...portable, source: { ...source, identity: { ...source.identity, mtimeMs: 0 } } };
  return hashDelivery({ hash: hashPlan(timeless, { fleet }), assemble: portable.assemble }).slice(0, 16);
}
