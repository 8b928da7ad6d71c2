/**
 * Pulls up to `depth` items ahead of the consumer, in order, so that the producer works while the consumer does.
 * `drop` gets the items that were pulled but never asked for, when the consumer stops early.
 */
export async function* readAhead<T>(
  source: AsyncGenerator<T>,
  depth: number,
  drop: (item: T) => void,
): AsyncGenerator<T> {
  const pending: Promise<IteratorResult<T>>[] = [];
  const pull = (): void => {
    const next = source.next();
    // The rejection is met where the item is taken; until then it must not count as unhandled.
    next.catch(() => undefined);
    pending.push(next);
  };
  try {
    for (let i = 0; i < depth; i++) pull();
    for (;;) {
      pull();
      const result = await pending.shift();
      if (result === undefined || result.done === true) return;
      yield result.value;
    }
  } finally {
    await Promise.allSettled([source.return(undefined), ...pending]).then((settled) => {
      for (const entry of settled.slice(1)) {
        if (entry.status === 'fulfilled' && entry.value.done !== true) drop(entry.value.value);
      }
    });
  }
}
