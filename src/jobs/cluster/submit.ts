import path from 'node:path';
import { writeWhole } from '../../ffmpeg/disk-cache.ts';
import { hashDelivery } from '../../pipeline/plan-hash.ts';
import type { Plan } from '../../pipeline/plan-schema.ts';
import type { Report } from '../report.ts';
import type { ClusterJob } from './cluster-job.ts';
import type { ClusterQueue } from './queue.ts';
import type { Store } from './store.ts';

export interface SubmitOptions {
  readonly queue: ClusterQueue;
  readonly store: Store;
  readonly fleet: string;
  readonly priority: number;
  /** The command and the options, for the file's report. */
  readonly request: { readonly command: string; readonly options: Report['options'] };
}

/** Puts a plan into the store and its work into the queue. `isNew` is false when the same was handed in before. */
export async function submitPlan(
  plan: Plan,
  { queue, store, fleet, priority, request }: SubmitOptions,
): Promise<{ readonly job: ClusterJob; readonly isNew: boolean }> {
  const job: ClusterJob = {
    id: hashDelivery(plan).slice(0, 16),
    fleet,
    output: await store.locate(plan.assemble.path),
    segments: plan.segments.length,
    frames: plan.expectedFrames,
    priority,
    cancelled: false,
  };
  if ((await queue.find(job.id)) !== null) return { job, isNew: false };
  // The store first: work must find its plan.
  await store.writePlan(job.id, plan);
  await writeWhole(path.join(store.jobFolder(job.id), 'request.json'), JSON.stringify(request));
  return { job, isNew: await queue.submit(job) };
}
