import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import { rational, toNumber, type Rational } from '../../core/rational.ts';
import { EditList } from './edit-list.ts';
import {
  attachedTo,
  findClips,
  findMedia,
  framesPerPosition,
  lengthOf,
  toFrameUse,
  type MltClip,
  type MltMedia,
  type MltProfile,
} from './mlt-clips.ts';
import { BinNumbers } from './mlt-bin.ts';
import { scaleProject } from './mlt-scale.ts';
import { moveEffects, repointMedia } from './mlt-repoint.ts';
import { formatPosition, parsePosition } from './mlt-values.ts';
import type { Conformed, FrameUse, MediaFacts, MediaReference, Piece, Timeline } from './timeline.ts';
import { editAttribute, insertCopy, readAttribute, type XmlElement } from './xml-tree.ts';

/** An MLT project, as Kdenlive, Shotcut and `melt` write it. Throws `SOURCE_UNREADABLE` for one without a profile. */
export function readMlt(source: string, root: XmlElement, file: string): Timeline {
  return new MltTimeline(source, root, file);
}

class MltTimeline implements Timeline {
  readonly format = 'mlt';
  readonly #source: string;
  readonly #root: XmlElement;
  readonly #profile: MltProfile;
  readonly #media: readonly MltMedia[];
  readonly #clips: readonly MltClip[];

  constructor(source: string, root: XmlElement, file: string) {
    this.#source = source;
    this.#root = root;
    this.#profile = readProfile(root, file);
    this.#media = findMedia(root);
    this.#clips = findClips(root, this.#media, this.#profile.rate);
  }

  get size(): { width: number; height: number } {
    const { width, height, pixelAspect } = this.#profile;
    return { width: Math.round(width * toNumber(pixelAspect)), height };
  }

  get media(): MediaReference[] {
    const base = readAttribute(this.#root, 'root') ?? '';
    const used = new Set(this.#shown().map(({ media }) => media.written));
    return [...used].map((written) => ({ written, paths: [path.join(base, written), written] }));
  }

  listUses(facts: ReadonlyMap<string, MediaFacts>): FrameUse[] {
    return this.#shown().flatMap((clip) => {
      const known = facts.get(clip.media.written);
      return known === undefined ? [] : [toFrameUse(clip, known, this.#profile.rate)];
    });
  }

  write(facts: ReadonlyMap<string, MediaFacts>, conformed: Conformed): { text: string; kept: string[] } {
    const edits = new EditList();
    const kept = scaleProject(edits, this.#root, this.#profile, conformed);
    const ids = new Set(this.#media.map(({ id }) => id));
    const numbers = new BinNumbers(this.#root);
    const shown = new Map(this.#media.map((media) => [media, this.#groupByPiece(media, facts, conformed)]));
    for (const [media, pieces] of shown) for (const piece of pieces.keys()) numbers.add(media, piece);
    for (const [media, pieces] of shown) {
      // The bin's clips follow those that are shown.
      const held = pieces.size > 0 ? [...pieces.keys()] : numbers.piecesOf(media);
      this.#writeMedia(edits, media, held, { pieces, numbers, conformed, ids });
    }
    return { text: edits.render(this.#source), kept };
  }

  /** The clips of a producer that are shown, by the piece that holds their frames. */
  #groupByPiece(
    media: MltMedia,
    facts: ReadonlyMap<string, MediaFacts>,
    { findPiece }: Conformed,
  ): Map<Piece, MltClip[]> {
    const byPiece = new Map<Piece, MltClip[]>();
    const known = facts.get(media.written);
    if (known === undefined) return byPiece;
    for (const clip of this.#shown().filter((entry) => entry.media === media)) {
      const { first, end } = toFrameUse(clip, known, this.#profile.rate);
      const piece = findPiece(media.written, first, end);
      if (piece !== undefined) byPiece.set(piece, [...(byPiece.get(piece) ?? []), clip]);
    }
    return byPiece;
  }

  #shown(): MltClip[] {
    return this.#clips.filter(({ inBin }) => !inBin);
  }

  /** A producer plays the first of its pieces; for each further one there is a copy of it. */
  #writeMedia(
    edits: EditList,
    media: MltMedia,
    held: readonly Piece[],
    {
      pieces,
      numbers,
      conformed,
      ids,
    }: {
      readonly pieces: ReadonlyMap<Piece, readonly MltClip[]>;
      readonly numbers: BinNumbers;
      readonly conformed: Conformed;
      readonly ids: Set<string>;
    },
  ): void {
    const { rate } = this.#profile;
    const inBin = this.#clips.filter((clip) => clip.media === media && clip.inBin);
    const base = this.#baseOf(media, conformed);
    for (const [index, piece] of held.entries()) {
      const shift = shiftOf(media, piece, rate);
      const users = pieces.get(piece) ?? [];
      const change = (list: EditList): void => {
        repointMedia(list, this.#source, media, { piece, shift, rate, base });
        numbers.renumber(list, media.element, piece);
      };
      if (index === 0) {
        change(edits);
        for (const clip of [...users, ...inBin]) this.#moveClip(edits, clip, piece, shift);
      } else {
        const id = nameCopy(media.id, ids);
        insertCopy(edits, this.#source, media.element, (copy) => {
          change(copy);
          editAttribute(copy, media.element, 'id', id);
        });
        for (const clip of users) {
          editAttribute(edits, clip.element, 'producer', id);
          this.#moveClip(edits, clip, piece, shift);
        }
        for (const clip of inBin) {
          insertCopy(edits, this.#source, clip.element, (copy) => {
            editAttribute(copy, clip.element, 'producer', id);
            this.#moveClip(copy, clip, piece, shift);
          });
        }
      }
      for (const { element } of users) numbers.renumber(edits, element, piece);
    }
  }

  #moveClip(edits: EditList, { element, inBin, media }: MltClip, piece: Piece, shift: number): void {
    const { rate } = this.#profile;
    const last = lengthOf(media, piece, rate) - 1;
    for (const name of ['in', 'out'] as const) {
      const span = element.attributes.get(name);
      const position = span === undefined ? null : parsePosition(span.value, rate);
      if (span === undefined || position === null) continue;
      const moved = Math.max(0, Math.min(position - shift, inBin ? last : Infinity));
      if (moved !== position) editAttribute(edits, element, name, formatPosition(moved, rate, span.value));
    }
    moveEffects(edits, attachedTo(element), { shift, rate, piece });
  }

  /** Relative paths stay relative where they can. */
  #baseOf(media: MltMedia, { folder }: Conformed): string | null {
    if (path.isAbsolute(media.written)) return null;
    return path.resolve(folder, readAttribute(this.#root, 'root') ?? '');
  }
}

/** Positions that clips of a piece move by: whole by the piece's choice. */
function shiftOf(media: MltMedia, piece: Piece, rate: Rational): number {
  if (piece.first === 0) return 0;
  const { num, den } = framesPerPosition(media, piece.source, rate);
  return Math.round((piece.first * den) / num);
}

function nameCopy(id: string, taken: Set<string>): string {
  for (let number = 2; ; number++) {
    const name = `${id}_${String(number)}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}

function readProfile(root: XmlElement, file: string): MltProfile {
  const element = root.children.find(({ name }) => name === 'profile');
  const read = (name: string): number => Number(readAttribute(element ?? root, name));
  const whole = (...names: string[]): boolean =>
    names.every((name) => Number.isInteger(read(name)) && read(name) > 0);
  if (
    element === undefined ||
    !whole('width', 'height', 'frame_rate_num', 'frame_rate_den', 'sample_aspect_num', 'sample_aspect_den')
  ) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} does not say its size and rate in a profile.`, {
      hint: 'Save it with Kdenlive or Shotcut, or add a <profile> element as melt writes it.',
    });
  }
  return {
    element,
    rate: rational(read('frame_rate_num'), read('frame_rate_den')),
    width: read('width'),
    height: read('height'),
    pixelAspect: rational(read('sample_aspect_num'), read('sample_aspect_den')),
  };
}
