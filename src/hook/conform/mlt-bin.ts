import type { EditList } from './edit-list.ts';
import { findProperty, readProperty, type MltMedia } from './mlt-clips.ts';
import type { Piece } from './timeline.ts';
import { editText, walkXml, type XmlElement } from './xml-tree.ts';

/**
 * Numbers of clips in Kdenlive's bin. Kdenlive plays a clip of the timeline from the clip of the bin that has its number, whatever its own
 * producer says: each piece needs a number, and a clip in the bin, of its own. The first piece of a clip takes over its number.
 */
export class BinNumbers {
  readonly #pieces = new Map<string, Piece[]>();
  readonly #numbers = new Map<Piece, string>();
  #last: number;

  constructor(root: XmlElement) {
    const taken = [...walkXml(root)].map((element) => Number(readProperty(element, 'kdenlive:id')));
    this.#last = Math.max(0, ...taken.filter((value) => Number.isSafeInteger(value)));
  }

  /** Notes that a clip of the timeline shows a piece. */
  add({ binId }: MltMedia, piece: Piece): void {
    if (binId === null) return;
    const known = this.#pieces.get(binId) ?? [];
    if (known.includes(piece)) return;
    this.#pieces.set(binId, [...known, piece]);
    this.#numbers.set(piece, known.length === 0 ? binId : String(++this.#last));
  }

  /** Pieces of a clip of the bin, in the order in which they were noted. */
  piecesOf({ binId }: MltMedia): readonly Piece[] {
    return binId === null ? [] : (this.#pieces.get(binId) ?? []);
  }

  /** Gives a producer, or a place where it is cut, the number of its piece. */
  renumber(edits: EditList, element: XmlElement, piece: Piece): void {
    const property = findProperty(element, 'kdenlive:id');
    const number = this.#numbers.get(piece);
    if (property !== undefined && number !== undefined && property.text.trim() !== number)
      editText(edits, property, number);
  }
}

/**
 * Moves Kdenlive's markers of a clip (a JSON list of `{comment, pos, type}`); those outside of the new
 * `length` go. Null for what is no such list.
 */
export function moveMarkers(text: string, shift: number, length: number): string | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  const kept = list.flatMap((marker: unknown) => {
    const position = (marker as { pos?: unknown } | null)?.pos;
    if (typeof position !== 'number') return [marker];
    const moved = position - shift;
    return moved < 0 || moved >= length ? [] : [{ ...(marker as object), pos: moved }];
  });
  return JSON.stringify(kept);
}
