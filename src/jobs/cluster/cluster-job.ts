import { z } from 'zod';

/** Name of a job: the head of its delivery's hash, so that handing the same in twice gives one job. */
const jobIdSchema = z.string().regex(/^[0-9a-f]{16}$/);
/** Which workers fit: see {@link describeFleet}. */
const fleetSchema = z.string().regex(/^[0-9a-f]{12}$/);

/** One file: its segments, then its assembly. What it is in detail stands in the store. */
export const clusterJobSchema = z.strictObject({
  id: jobIdSchema,
  fleet: fleetSchema,
  /** For people: the output's path in the store. */
  output: z.string().max(4096),
  segments: z.int().positive().max(1_000_000),
  frames: z.int().nonnegative(),
  /** Smaller numbers first; 0 before all others. */
  priority: z.int().min(0).max(1_000_000),
  /** Somebody wants it gone: workers stop what they are at. */
  cancelled: z.boolean(),
});
export type ClusterJob = z.infer<typeof clusterJobSchema>;

/** One segment of a job. */
export const segmentJobSchema = z.strictObject({ id: jobIdSchema, index: z.int().nonnegative() });
export type SegmentJob = z.infer<typeof segmentJobSchema>;

export type JobState = 'waiting' | 'running' | 'assembling' | 'done' | 'failed';

export interface JobStatus {
  readonly job: ClusterJob;
  readonly state: JobState;
  readonly segmentsDone: number;
  /** Of a failed job. */
  readonly reason: string | null;
}
