import { mergeUses } from '../../src/hook/conform/merge-uses.ts';
import type { MediaFacts, Piece, Timeline } from '../../src/hook/conform/timeline.ts';

/** Makes the new timeline as conforming does, with pieces that hold what is shown, fitted into `size`; the pieces are called by their first frame. */
export function rewriteTimeline(
  timeline: Timeline,
  facts: ReadonlyMap<string, MediaFacts>,
  handles: number,
  size: { readonly width: number; readonly height: number } = { width: 2880, height: 2160 },
): { text: string; kept: string[]; pieces: Piece[] } {
  const pieces = mergeUses(timeline.listUses(facts), facts, { handles, uncut: new Set() }).map(
    (span): Piece => {
      const { path, displayWidth, displayHeight } = span.source;
      const factor = Math.min(size.width / displayWidth, size.height / displayHeight);
      const stem = /([^/]+)\.\w+$/.exec(path)?.[1] ?? '';
      return {
        ...span,
        path: `/new/${stem}.${String(span.first)}.mov`,
        width: Math.round(displayWidth * factor),
        height: Math.round(displayHeight * factor),
        keepsColor: true,
      };
    },
  );
  return {
    ...timeline.write(facts, {
      ...size,
      folder: '/new',
      findPiece: (media, first, end) =>
        pieces.find(
          (piece) => piece.source.path === facts.get(media)?.path && piece.first <= first && end <= piece.end,
        ),
    }),
    pieces,
  };
}
