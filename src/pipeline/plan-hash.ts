import { createHash } from 'node:crypto';
import type { Plan } from './plan-schema.ts';

/**
 * sha256 over all that decides the pixels and times of a run's segments: the source's identity, every stage's plan, the cuts and the
 * versions of the tools. Two plans with one hash have interchangeable segments.
 */
export function hashPlan(plan: Omit<Plan, 'hash'>, versions: Readonly<Record<string, string>>): string {
  const { source, temporal, encode, segments, version } = plan;
  // Threads and tiles change speed and memory, never a pixel.
  const decode = { ...plan.decode, threads: 0 };
  const infer = { ...plan.infer, threads: 1, tile: null };
  const decisive = {
    version,
    versions,
    identity: source.identity,
    decode,
    temporal,
    infer,
    ...(plan.beside === undefined ? {} : { beside: plan.beside }),
    encode,
    segments,
  };
  return createHash('sha256').update(stableJson(decisive)).digest('hex');
}

/** JSON with the keys of every object in order, so that equal values give equal text. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    entry !== null && typeof entry === 'object' && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
      : entry,
  );
}
