import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { countWork } from './count-work.ts';

/** Every number of a tree by its path. */
function listNumbers(tree: object, prefix = ''): [name: string, count: number][] {
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'number'
      ? [[`${prefix}${key}`, value] satisfies [string, number]]
      : listNumbers(value as object, `${prefix}${key}.`),
  );
}

it('does no more than it did', async () => {
  const stored = JSON.parse(await readFile(new URL('counts.json', import.meta.url), 'utf8')) as object;
  const allowed = new Map(listNumbers(stored));
  const grown = listNumbers(await countWork()).flatMap(([name, count]) => {
    const most = allowed.get(name) ?? 0;
    return count > most ? [`${name} grew from ${String(most)} to ${String(count)}`] : [];
  });
  expect(grown.join('\n'), 'where more work is meant: npx tsx scripts/write-counts.ts').toBe('');
});
