import type { EditList } from './edit-list.ts';
import type { RepointedClip, ShownClips } from './fcpxml-clips.ts';
import { editAttribute, readAttribute, walkXml, type XmlElement } from './xml-tree.ts';

/**
 * Scales clips that are shown in the pixels that they have (`adjust-conform` of the type `none`): in a sequence of more pixels they would
 * become small, or large with more pixels of their own. All others are fitted into the frame whatever its size. Returns a sentence for each
 * clip that could not be scaled.
 */
export function scaleUnfitted(
  edits: EditList,
  source: string,
  {
    shown,
    repointed,
    scale,
  }: { readonly shown: ShownClips; readonly repointed: readonly RepointedClip[]; readonly scale: number },
): string[] {
  const kept: string[] = [];
  for (const item of shown.items) {
    const conform = item.children.find(({ name }) => name === 'adjust-conform');
    if (conform === undefined || readAttribute(conform, 'type') !== 'none') continue;
    // What a compound clip or a clip holds grows with the sequence.
    if (!/^(asset-clip|video)$/.test(item.name)) continue;
    const piece = repointed.find(({ element }) => element === item)?.piece;
    const factor = piece === undefined ? scale : (scale * piece.source.displayHeight) / piece.height;
    if (Math.abs(factor - 1) < 1e-3) continue;
    const transform = item.children.find(({ name }) => name === 'adjust-transform');
    if (transform === undefined) {
      const value = multiplyPair('1 1', factor) ?? '';
      const indent = /\s*$/.exec(source.slice(0, conform.start))?.[0] ?? '';
      edits.replace(conform.end, conform.end, `${indent}<adjust-transform scale="${value}"/>`);
    } else if (!scaleTransform(edits, transform, factor)) {
      kept.push(
        `Kept as it is: the transform of the clip ${readAttribute(item, 'name') ?? ''}, which is shown pixel by pixel; have a look at its size.`,
      );
    }
  }
  return kept;
}

function scaleTransform(edits: EditList, transform: XmlElement, factor: number): boolean {
  if (readAttribute(transform, 'enabled') === '0') return false;
  const param = transform.children.find(
    (child) => child.name === 'param' && readAttribute(child, 'name') === 'scale',
  );
  const changes: [XmlElement, string, string][] = [];
  const add = (element: XmlElement, name: string, value: string): boolean => {
    const scaled = multiplyPair(value, factor);
    if (scaled !== null) changes.push([element, name, scaled]);
    return scaled !== null;
  };
  if (!add(transform, 'scale', readAttribute(transform, 'scale') ?? '1 1')) return false;
  for (const element of param === undefined ? [] : walkXml(param)) {
    const value = /^(param|keyframe)$/.test(element.name) ? readAttribute(element, 'value') : undefined;
    if (value !== undefined && !add(element, 'value', value)) return false;
  }
  for (const [element, name, value] of changes) editAttribute(edits, element, name, value);
  return true;
}

/** `x y`, or one number; null for anything else. */
function multiplyPair(text: string, factor: number): string | null {
  const numbers = text.trim().split(/\s+/).map(Number);
  if (numbers.length > 2 || numbers.some((value) => !Number.isFinite(value))) return null;
  return numbers.map((value) => String(Number((value * factor).toFixed(6)))).join(' ');
}

/** Adjustments that know the old picture's pixels or frames. */
const ANALYSED = /^(object-tracker|tracking-shape|adjust-cinematic|mask-isolation|mask-shape)$/;

/** Names what may count in pixels and is kept: titles, generators, effects, and what was found out by looking at the old pictures. */
export function listUnknown(root: XmlElement, { timelines }: ShownClips): string[] {
  const names = new Map(
    [...walkXml(root)]
      .filter(({ name }) => name === 'effect')
      .map((effect) => [readAttribute(effect, 'id'), readAttribute(effect, 'name') ?? 'without a name']),
  );
  const found = new Map<string, number>();
  const seen = new Set<XmlElement>();
  for (const timeline of timelines) {
    for (const element of walkXml(timeline)) {
      if (seen.has(element)) continue;
      seen.add(element);
      const effect = names.get(readAttribute(element, 'ref'));
      const what =
        element.name === 'title'
          ? `the title ${effect ?? 'without a template'}`
          : element.name === 'video' && effect !== undefined
            ? `the generator ${effect}`
            : element.name === 'filter-video'
              ? `the effect ${effect ?? readAttribute(element, 'name') ?? 'without a name'}`
              : ANALYSED.test(element.name)
                ? `the element ${element.name}`
                : null;
      if (what !== null) found.set(what, (found.get(what) ?? 0) + 1);
    }
  }
  return [...found].map(
    ([what, times]) =>
      `Kept as it is: ${what}${times > 1 ? ` (${String(times)} times)` : ''}; have a look whether it counts in pixels.`,
  );
}
