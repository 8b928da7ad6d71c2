import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, it, vi } from 'vitest';
import { LanePool } from '../../src/pipeline/lane-pool.ts';

type Callable = (...values: unknown[]) => unknown;

afterEach(() => vi.restoreAllMocks());

it.each([0, 60])('ends no lane while it loads its libraries: closed after %d ms', async (milliseconds) => {
  const events: string[] = [];
  const emit: unknown = Reflect.get(EventEmitter.prototype, 'emit');
  vi.spyOn(EventEmitter.prototype, 'emit').mockImplementation(function (
    this: EventEmitter,
    name,
    ...values: unknown[]
  ) {
    if (this instanceof Worker && name === 'message') events.push('loaded');
    return Reflect.apply(emit as Callable, this, [name, ...values]) as boolean;
  });
  const terminate: unknown = Reflect.get(Worker.prototype, 'terminate');
  vi.spyOn(Worker.prototype, 'terminate').mockImplementation(function (this: Worker) {
    events.push('ended');
    return Reflect.apply(terminate as Callable, this, []) as Promise<number>;
  });
  const pool = new LanePool(2, 2);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await pool.close();
  expect(events).toEqual(['loaded', 'loaded', 'ended', 'ended']);
});
