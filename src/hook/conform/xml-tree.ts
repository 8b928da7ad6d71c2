import sax from 'sax';
import { UpscaleError } from '../../core/errors.ts';
import { EditList } from './edit-list.ts';

/** An attribute or a text, and where it stands in the source. */
interface Span {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** An element with its place in the source text: what is changed is spliced into that text, so that all else stays to the byte. */
export interface XmlElement {
  readonly name: string;
  readonly parent: XmlElement | null;
  readonly attributes: ReadonlyMap<string, Span>;
  readonly children: readonly XmlElement[];
  /** Its own text, children's left out. */
  readonly text: string;
  /** From `<` to behind the last `>`. */
  readonly start: number;
  readonly end: number;
  /** Behind the opening tag, and before the closing one; both behind the whole of `<a/>`. */
  readonly innerStart: number;
  readonly innerEnd: number;
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
  end: number;
  innerEnd: number;
}

/** More is no timeline. */
const DEEPEST = 200;

/**
 * Reads XML with the place of each element. Entities of its own, which can expand without end or read other files, are refused.
 *
 * @throws UpscaleError `SOURCE_UNREADABLE` for what is not well-formed
 */
export function parseXml(source: string, file: string): XmlElement {
  const options: sax.SAXOptions & { strictEntities: boolean } = { strictEntities: true, position: true };
  const parser = sax.parser(true, options);
  const open: OpenElement[] = [];
  const roots: XmlElement[] = [];
  const refuse = (why: string, cause?: unknown): UpscaleError =>
    new UpscaleError('SOURCE_UNREADABLE', `${file} cannot be read as XML: ${why}.`, {
      cause,
      hint: 'Export the timeline anew.',
    });
  parser.ondoctype = (doctype) => {
    if (/<!ENTITY/i.test(doctype)) throw refuse('it declares entities of its own, which are not expanded');
  };
  parser.onerror = (error) => {
    throw refuse((error.message.split('\n')[0] ?? 'it is damaged').replace(/\.$/, ''), error);
  };
  parser.onopentag = ({ name }) => {
    const start = parser.startTagPosition - 1;
    const at = parser.position;
    if (open.length >= DEEPEST) throw refuse(`it is nested more than ${DEEPEST} deep`);
    const element: OpenElement = {
      name,
      parent: open.at(-1) ?? null,
      attributes: readAttributes(source, start, at),
      children: [],
      text: '',
      ...{ start, end: at, innerStart: at, innerEnd: at },
    };
    (open.at(-1)?.children ?? roots).push(element);
    open.push(element);
  };
  parser.onclosetag = () => {
    const element = open.pop();
    if (element === undefined) return;
    element.end = parser.position;
    // Of `<a/>` the tag that closes is the one that opened.
    element.innerEnd = Math.max(element.innerStart, parser.startTagPosition - 1);
  };
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.write(source).close();
  const [root] = roots;
  if (root === undefined) throw refuse('it is empty');
  return root;
}

/** The parser has found the tag well-formed; this finds where its values stand. */
function readAttributes(source: string, start: number, end: number): Map<string, Span> {
  const tag = source.slice(start, end);
  const spans = new Map<string, Span>();
  for (const match of tag.matchAll(/([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    const raw = match[2] ?? match[3] ?? '';
    const valueEnd = start + match.index + match[0].length - 1;
    spans.set(match[1] ?? '', { value: unescapeXml(raw), start: valueEnd - raw.length, end: valueEnd });
  }
  return spans;
}

function unescapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return text.replace(
    /&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) =>
      hex !== undefined
        ? String.fromCodePoint(Number.parseInt(hex, 16))
        : decimal !== undefined
          ? String.fromCodePoint(Number(decimal))
          : (named[name ?? ''] ?? whole),
  );
}

export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char,
  );
}

/** The element and all below it, in the order of the file. */
export function* walkXml(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* walkXml(child);
}

export function readAttribute(element: XmlElement, name: string): string | undefined {
  return element.attributes.get(name)?.value;
}

/** Sets an attribute, or adds it behind the element's name. */
export function editAttribute(edits: EditList, element: XmlElement, name: string, value: string): void {
  const span = element.attributes.get(name);
  if (span !== undefined) {
    edits.replace(span.start, span.end, escapeXml(value));
    return;
  }
  const at = element.start + 1 + element.name.length;
  edits.replace(at, at, ` ${name}="${escapeXml(value)}"`);
}

/** Takes an attribute out, with the white space before it. */
export function removeAttribute(edits: EditList, source: string, element: XmlElement, name: string): void {
  const span = element.attributes.get(name);
  if (span === undefined) return;
  const before = /\s*[^\s=]+\s*=\s*["']$/.exec(source.slice(element.start, span.start))?.[0].length ?? 0;
  edits.replace(span.start - before, span.end + 1, '');
}

/** Puts a copy of an element behind it, on a line of its own, changed by `change`. */
export function insertCopy(
  edits: EditList,
  source: string,
  element: XmlElement,
  change: (copy: EditList) => void,
): void {
  const copy = new EditList();
  change(copy);
  const { start, end } = element;
  const indent = /[^\S\n]*$/.exec(source.slice(0, start))?.[0] ?? '';
  edits.replace(end, end, `\n${indent}${copy.render(source, start, end)}`);
}

/** Sets the whole content of an element that has no children. */
export function editText(edits: EditList, element: XmlElement, value: string): void {
  // `<a/>`
  if (element.innerStart === element.end) {
    edits.replace(element.end - 2, element.end, `>${escapeXml(value)}</${element.name}>`);
    return;
  }
  edits.replace(element.innerStart, element.innerEnd, escapeXml(value));
}

/** Takes an element out, with the white space before it. */
export function removeElement(edits: EditList, source: string, element: XmlElement): void {
  const before = /\s*$/.exec(source.slice(0, element.start))?.[0].length ?? 0;
  edits.replace(element.start - before, element.end, '');
}
