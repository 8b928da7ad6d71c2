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
    encode: { ...encode, encoderArguments: withoutThreads(encode.encoderArguments) },
    segments,
  };
  return hashJson(decisive);
}

/** sha256 over a plan's segments and all that is made of them: two plans with one such hash make the same file. */
export function hashDelivery({ hash, assemble }: Pick<Plan, 'hash' | 'assemble'>): string {
  return hashJson({ hash, assemble: { ...assemble, overwrite: false } });
}

/**
 * The arguments of an encoder but for its threads. They follow from the memory that happens to be free, and days of finished segments are
 * worth more than the last bits of a lossy encoder's choices, which is all that threads may change.
 */
function withoutThreads(encoderArguments: readonly string[]): string[] {
  return encoderArguments
    .filter((argument, i) => argument !== '-threads' && encoderArguments[i - 1] !== '-threads')
    .map((argument) => argument.replace(/(^|:)pools=\d+/, '$1'));
}

function hashJson(value: unknown): string {
  return createHash('sha256').update(stableJson(value)).digest('hex');
}

/** JSON with the keys of every object in order, so that equal values give equal text. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    entry !== null && typeof entry === 'object' && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
      : entry,
  );
}
