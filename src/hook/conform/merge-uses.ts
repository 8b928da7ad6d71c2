import type { FrameUse, MediaFacts } from './timeline.ts';

/** A run of a media file's frames that is upscaled in one piece. */
export interface FrameSpan {
  readonly source: MediaFacts;
  readonly first: number;
  readonly end: number;
}

/**
 * The frames of each media file that are needed, with `handles` more on each side, overlapping ones merged. Every piece begins where its
 * clips can be moved by whole frames. Media that cannot be cut by frames (`uncut`) are taken whole.
 */
export function mergeUses(
  uses: readonly FrameUse[],
  facts: ReadonlyMap<string, MediaFacts>,
  { handles, uncut }: { readonly handles: number; readonly uncut: ReadonlySet<string> },
): FrameSpan[] {
  const byPath = new Map<string, FrameUse[]>();
  for (const use of uses) {
    const path = facts.get(use.media)?.path;
    if (path !== undefined) byPath.set(path, [...(byPath.get(path) ?? []), use]);
  }
  return [...byPath].flatMap(([path, wanted]) => {
    const source = [...facts.values()].find((entry) => entry.path === path);
    if (source === undefined) return [];
    const whole = { source, first: 0, end: source.frames };
    if (uncut.has(path)) return [whole];
    const anchored = wanted.some(({ grid }) => grid === null);
    const grid = wanted.reduce((common, use) => leastMultiple(common, use.grid ?? 1), 1);
    const spans = wanted
      .map(({ first, end }) => ({
        source,
        first: anchored ? 0 : Math.floor(Math.max(0, first - handles) / grid) * grid,
        end: Math.min(source.frames, end + handles),
      }))
      .filter(({ first, end }) => end > first)
      .sort((a, b) => a.first - b.first);
    return spans.reduce<FrameSpan[]>((merged, span) => {
      const last = merged.at(-1);
      if (last === undefined || span.first > last.end) return [...merged, span];
      return [...merged.slice(0, -1), { ...last, end: Math.max(last.end, span.end) }];
    }, []);
  });
}

function leastMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  return (a / divisor(a, b)) * b;
}
