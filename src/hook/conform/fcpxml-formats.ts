import type { EditList } from './edit-list.ts';
import {
  editAttribute,
  insertCopy,
  readAttribute,
  removeAttribute,
  walkXml,
  type XmlElement,
} from './xml-tree.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Sizes that Final Cut Pro has a name for at every usual rate (`FFVideoFormat3840x2160p25`). */
const NAMED_SIZES = /^(3840x2160|4096x2160)$/;

/** Size of a format in square pixels; null where there is none or it does not say. */
export function readFormatSize(root: XmlElement, id: string | undefined): Size | null {
  const format = findFormat(root, id);
  if (format === undefined) return null;
  const read = (name: string): number | null => {
    const value = Number(readAttribute(format, name));
    return Number.isFinite(value) && value > 0 ? value : null;
  };
  const [width, height] = [read('width'), read('height')];
  if (width !== null && height !== null) {
    const aspect = (read('paspH') ?? 1) / (read('paspV') ?? 1);
    return { width: Math.round(width * aspect), height };
  }
  const named = /^FFVideoFormat(?:(\d+)x)?(720|1080|\d{3,4})[pi]/.exec(readAttribute(format, 'name') ?? '');
  if (named === null) return null;
  const lines = Number(named[2]);
  return { width: Number(named[1] ?? (lines * 16) / 9), height: lines };
}

function findFormat(root: XmlElement, id: string | undefined): XmlElement | undefined {
  for (const element of walkXml(root)) {
    if (element.name === 'format' && readAttribute(element, 'id') === id) return element;
  }
  return undefined;
}

/** Makes formats like those of a document in other sizes: square pixels, no fields, the same rate. Each is added once, behind its model. */
export class FormatWriter {
  readonly #source: string;
  readonly #root: XmlElement;
  readonly #edits: EditList;
  readonly #newId: () => string;
  readonly #made = new Map<string, string>();

  constructor(source: string, root: XmlElement, edits: EditList, newId: () => string) {
    this.#source = source;
    this.#root = root;
    this.#edits = edits;
    this.#newId = newId;
  }

  /**
   * The id of a format like `id` with another size; undefined where there is no such format.
   *
   * @param keepsColor - false where the pictures' colours are coded otherwise than in the model
   */
  resize(id: string | undefined, { width, height }: Size, keepsColor = true): string | undefined {
    const model = findFormat(this.#root, id);
    if (id === undefined || model === undefined) return undefined;
    const key = `${id} ${String(width)}x${String(height)} ${String(keepsColor)}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#newId();
    this.#made.set(key, made);
    const rate = /p(\d+)$/.exec(readAttribute(model, 'name') ?? '')?.[1];
    const size = `${String(width)}x${String(height)}`;
    const named = rate !== undefined && NAMED_SIZES.test(size);
    const gone = [
      'fieldOrder',
      'paspH',
      'paspV',
      ...(named ? [] : ['name']),
      ...(keepsColor ? [] : ['colorSpace']),
    ];
    insertCopy(this.#edits, this.#source, model, (copy) => {
      editAttribute(copy, model, 'id', made);
      if (named) editAttribute(copy, model, 'name', `FFVideoFormat${size}p${rate}`);
      editAttribute(copy, model, 'width', String(width));
      editAttribute(copy, model, 'height', String(height));
      for (const name of gone) removeAttribute(copy, this.#source, model, name);
    });
    return made;
  }
}
