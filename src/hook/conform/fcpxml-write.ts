import path from 'node:path';
import { readAssetStart, type RepointedClip, type ShownClips } from './fcpxml-clips.ts';
import { cutToPiece, leavesRest } from './fcpxml-cut.ts';
import { FormatWriter, readFormatSize } from './fcpxml-formats.ts';
import { advanceTime, formatTime } from './fcpxml-time.ts';
import { listUnknown, scaleUnfitted } from './fcpxml-scale.ts';
import { EditList } from './edit-list.ts';
import { writeReference } from './find-media.ts';
import type { Conformed, Piece } from './timeline.ts';
import {
  editAttribute,
  insertCopy,
  readAttribute,
  removeAttribute,
  removeElement,
  walkXml,
  type XmlElement,
} from './xml-tree.ts';

export interface FcpxmlChanges {
  readonly shown: ShownClips;
  readonly repointed: readonly RepointedClip[];
  readonly conformed: Conformed;
  /** Of the sequence before. */
  readonly size: { readonly width: number; readonly height: number };
}

/**
 * Writes a document with new assets for what is shown, in timelines of the new size. An asset that something else still plays (sound alone, a
 * clip of the browser) stays beside its new ones.
 */
export function writeFcpxml(
  source: string,
  root: XmlElement,
  { shown, repointed, conformed, size }: FcpxmlChanges,
): { text: string; kept: string[] } {
  const edits = new EditList();
  const newId = makeIds(root);
  const formats = new FormatWriter(source, root, edits, newId);
  const scale = conformed.height / size.height;
  const resize = (id: string | undefined): string | undefined => {
    const old = readFormatSize(root, id);
    if (old === null) return undefined;
    const even = (length: number): number => 2 * Math.round((length * scale) / 2);
    const same = old.width === size.width && old.height === size.height;
    return formats.resize(id, same ? conformed : { width: even(old.width), height: even(old.height) });
  };
  const setFormat = (element: XmlElement, id: string | undefined): void => {
    if (id !== undefined) editAttribute(edits, element, 'format', id);
  };

  for (const timeline of shown.timelines) {
    setFormat(timeline, resize(readAttribute(timeline, 'format')));
    // By its identifier Final Cut would take the one that it has already.
    if (timeline.parent !== null) removeAttribute(edits, source, timeline.parent, 'uid');
    for (const spine of walkXml(timeline)) {
      if (spine.name === 'spine') setFormat(spine, resize(readAttribute(spine, 'format')));
    }
  }
  for (const item of shown.items) {
    if (item.name === 'clip' || item.name === 'sync-clip')
      setFormat(item, resize(readAttribute(item, 'format')));
  }

  for (const [asset, clips] of groupBy(repointed, ({ asset: of }) => of)) {
    const format = readAttribute(asset, 'format');
    const stays =
      clips.some(({ element, piece }) => leavesRest(element, asset, piece)) ||
      [...walkXml(root)].some(
        (element) =>
          readAttribute(element, 'ref') === readAttribute(asset, 'id') &&
          !clips.some((clip) => clip.element === element),
      );
    for (const [index, [piece, users]] of [...groupBy(clips, ({ piece: of }) => of)].entries()) {
      const newFormat = formats.resize(format, piece, piece.keepsColor);
      const change = (list: EditList): void => {
        repointAsset(list, source, asset, piece, conformed.folder);
        if (newFormat !== undefined) editAttribute(list, asset, 'format', newFormat);
      };
      const inPlace = index === 0 && !stays;
      const id = inPlace ? (readAttribute(asset, 'id') ?? '') : newId();
      if (inPlace) change(edits);
      else {
        insertCopy(edits, source, asset, (copy) => {
          change(copy);
          editAttribute(copy, asset, 'id', id);
        });
      }
      for (const { element } of users) {
        editAttribute(edits, element, 'ref', id);
        cutToPiece(edits, source, element, asset, piece);
        const own = readAttribute(element, 'format');
        if (own !== undefined) setFormat(element, own === format ? newFormat : resize(own));
      }
    }
  }
  const kept = scaleUnfitted(edits, source, { shown, repointed, scale });
  return { text: edits.render(source), kept: [...kept, ...shown.hidden, ...listUnknown(root, shown)] };
}

/** Makes an asset, or a copy of it, play a piece: a later part of the same clock. */
function repointAsset(
  edits: EditList,
  source: string,
  asset: XmlElement,
  piece: Piece,
  folder: string,
): void {
  const { first, end, source: old } = piece;
  const start = readAssetStart(asset);
  editAttribute(edits, asset, 'start', formatTime(advanceTime(start, first, old.frameRate)));
  editAttribute(
    edits,
    asset,
    'duration',
    formatTime(advanceTime({ num: 0, den: 1 }, end - first, old.frameRate)),
  );
  // It names the old file's content.
  removeAttribute(edits, source, asset, 'uid');
  if (readAttribute(asset, 'name') === path.basename(old.path)) {
    editAttribute(edits, asset, 'name', path.basename(piece.path));
  }
  const setSource = (element: XmlElement): void => {
    const written = readAttribute(element, 'src');
    if (written !== undefined)
      editAttribute(edits, element, 'src', writeReference(written, piece.path, folder));
    removeAttribute(edits, source, element, 'sig');
    removeAttribute(edits, source, element, 'suggestedFilename');
    for (const child of element.children) if (child.name === 'bookmark') removeElement(edits, source, child);
  };
  setSource(asset);
  const representations = asset.children.filter(({ name }) => name === 'media-rep');
  for (const representation of representations) {
    const proxy = readAttribute(representation, 'kind') === 'proxy-media' && representations.length > 1;
    if (proxy) removeElement(edits, source, representation);
    else {
      setSource(representation);
      if (readAttribute(representation, 'kind') === 'proxy-media')
        editAttribute(edits, representation, 'kind', 'original-media');
    }
  }
}

/** Identifiers of resources that no other element has. */
function makeIds(root: XmlElement): () => string {
  const taken = new Set([...walkXml(root)].flatMap((element) => readAttribute(element, 'id') ?? []));
  let number = taken.size;
  return () => {
    do number++;
    while (taken.has(`r${String(number)}`));
    return `r${String(number)}`;
  };
}

function groupBy<T, K>(list: readonly T[], pick: (entry: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const entry of list) groups.set(pick(entry), [...(groups.get(pick(entry)) ?? []), entry]);
  return groups;
}
