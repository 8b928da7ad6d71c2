import process from 'node:process';
import { UpscaleError } from '../core/errors.ts';
import { ClusterQueue } from '../jobs/cluster/queue.ts';
import { Store } from '../jobs/cluster/store.ts';
import { readOption } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';

/** Opens the queue of `--queue`, uses it and closes it. */
export async function withQueue<T>(raw: RawArguments, use: (queue: ClusterQueue) => Promise<T>): Promise<T> {
  const queue = await ClusterQueue.open(readPlace(raw, 'queue', 'UPREEL_QUEUE', 'redis://HOST:PORT/DB'));
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}

/** Opens the store of `--store`, uses it and closes it. */
export async function withStore<T>(raw: RawArguments, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await Store.open(readPlace(raw, 'store', 'UPREEL_STORE', 'FOLDER or s3://BUCKET/PREFIX'));
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

function readPlace(raw: RawArguments, name: string, variable: string, form: string): string {
  const place = readOption(raw, name) ?? process.env[variable];
  if (typeof place === 'string' && place !== '') return place;
  throw new UpscaleError('USAGE', `No ${name} was given.`, {
    hint: `Give it with --${name} ${form}, or in ${variable}.`,
  });
}
