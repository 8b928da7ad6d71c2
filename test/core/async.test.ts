import { describe, expect, it } from 'vitest';
import { readAhead } from '../../src/core/async.ts';

async function* count(to: number, made: number[], closed: () => void): AsyncGenerator<number> {
  try {
    for (let i = 0; i < to; i++) {
      await Promise.resolve();
      made.push(i);
      yield i;
    }
  } finally {
    closed();
  }
}

describe('readAhead', () => {
  it('keeps the order and ends', async () => {
    const seen: number[] = [];
    for await (const item of readAhead(
      count(5, [], () => undefined),
      2,
      () => undefined,
    ))
      seen.push(item);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('never pulls more than asked beyond the consumer', async () => {
    const made: number[] = [];
    const ahead = readAhead(
      count(100, made, () => undefined),
      3,
      () => undefined,
    );
    await ahead.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.length).toBeLessThanOrEqual(5);
    await ahead.return(undefined);
  });

  it('hands back what was never asked for, and closes the producer', async () => {
    const dropped: number[] = [];
    const made: number[] = [];
    let closed = false;
    const ahead = readAhead(
      count(100, made, () => {
        closed = true;
      }),
      3,
      (item) => dropped.push(item),
    );
    const first = await ahead.next();
    await ahead.return(undefined);
    expect(closed).toBe(true);
    expect([first.value as number, ...dropped]).toEqual(made);
  });

  it('passes the producer’s error on at its place', async () => {
    async function* fail(): AsyncGenerator<number> {
      yield 1;
      await Promise.resolve();
      throw new Error('broken');
    }
    const ahead = readAhead(fail(), 2, () => undefined);
    expect((await ahead.next()).value).toBe(1);
    await expect(ahead.next()).rejects.toThrow('broken');
  });
});
