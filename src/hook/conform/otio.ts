import { findNodeAtLocation, getNodeValue, parseTree, type Node, type ParseError } from 'jsonc-parser';
import { UpscaleError } from '../../core/errors.ts';
import { toNumber } from '../../core/rational.ts';
import { countTimecode, framesPerDay } from '../../core/timecode.ts';
import { EditList } from './edit-list.ts';
import { writeReference } from './find-media.ts';
import { crossesMidnight } from './read-facts.ts';
import type { Conformed, FrameUse, MediaFacts, MediaReference, Piece, Timeline } from './timeline.ts';

interface OtioClip {
  readonly name: string;
  /** The reference that is in use, an `ExternalReference`. */
  readonly reference: Node;
  readonly url: Node;
  readonly source: TimeRange | null;
  readonly available: TimeRange | null;
  /** Largest speed of its time effects; null where they move time otherwise. */
  readonly speed: number | null;
  /** Seconds that transitions show beyond its ends. */
  readonly before: number;
  readonly after: number;
}

/** Seconds. */
interface TimeRange {
  readonly start: number;
  readonly duration: number;
  /** Of `start`, for writing. */
  readonly rate: number;
}

/**
 * Reads OpenTimelineIO JSON. Clips keep their times: the new media carry the old one's timecode, and their available range says which part
 * they are. All that is not a reference to media stays to the byte.
 */
export function readOtio(source: string, file: string): Timeline {
  const errors: ParseError[] = [];
  const root = parseTree(source, errors);
  const schema = root === undefined ? undefined : readText(root, 'OTIO_SCHEMA');
  if (root === undefined || errors.length > 0 || schema === undefined) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} is no OpenTimelineIO file.`, {
      hint: 'Export the timeline anew as OTIO (.otio).',
    });
  }
  const kept: string[] = [];
  const clips = findClips(root, kept);
  return {
    format: 'otio',
    size: null,
    media: [...new Set(clips.map(({ url }) => String(url.value)))].map((written): MediaReference => ({
      written,
      paths: [written],
    })),
    listUses: (facts) =>
      clips.flatMap((clip) => {
        const known = facts.get(String(clip.url.value));
        return known === undefined ? [] : [toUse(clip, known)];
      }),
    write: (facts, conformed) => ({ text: writeOtio(source, clips, facts, conformed), kept }),
  };
}

function readText(node: Node, name: string): string | undefined {
  const value: unknown = findNodeAtLocation(node, [name])?.value;
  return typeof value === 'string' ? value : undefined;
}

function findClips(root: Node, kept: string[]): OtioClip[] {
  const clips: OtioClip[] = [];
  const walk = (node: Node, neighbours: { before?: Node | undefined; after?: Node | undefined }): void => {
    if (node.type === 'object') {
      const schema = readText(node, 'OTIO_SCHEMA') ?? '';
      if (/^Clip\.\d+$/.test(schema)) {
        const clip = readClip(node, neighbours, kept);
        if (clip !== null) clips.push(clip);
        return;
      }
      if (/^(Track|Stack|Timeline|SerializableCollection)\.\d+$/.test(schema)) {
        for (const name of ['tracks', 'children']) {
          const child = findNodeAtLocation(node, [name]);
          if (child !== undefined) walk(child, {});
        }
      } else if (!/^(Gap|Transition)\.\d+$/.test(schema)) {
        kept.push(`Kept as it is: an object of the schema ${schema === '' ? '(none)' : schema}.`);
      }
      return;
    }
    const children = node.children ?? [];
    for (const [index, child] of children.entries()) {
      walk(child, { before: children[index - 1], after: children[index + 1] });
    }
  };
  walk(root, {});
  return clips;
}

function readClip(
  node: Node,
  { before, after }: { before?: Node | undefined; after?: Node | undefined },
  kept: string[],
): OtioClip | null {
  const name = readText(node, 'name') ?? '';
  const key = readText(node, 'active_media_reference_key') ?? 'DEFAULT_MEDIA';
  const reference =
    findNodeAtLocation(node, ['media_reference']) ?? findNodeAtLocation(node, ['media_references', key]);
  const schema = reference === undefined ? undefined : readText(reference, 'OTIO_SCHEMA');
  const url = reference === undefined ? undefined : findNodeAtLocation(reference, ['target_url']);
  if (reference === undefined || url === undefined || schema?.startsWith('ExternalReference.') !== true) {
    kept.push(`Kept as it is: the clip ${name}, whose media is ${schema ?? 'not told'}.`);
    return null;
  }
  const bounds = findNodeAtLocation(reference, ['available_image_bounds']);
  if (bounds !== undefined && bounds.type !== 'null') {
    kept.push(`Kept as they are: the image bounds of ${name}.`);
  }
  return {
    name,
    reference,
    url,
    source: readRange(findNodeAtLocation(node, ['source_range'])),
    available: readRange(findNodeAtLocation(reference, ['available_range'])),
    speed: readSpeed(node),
    before: readOffset(before, 'in_offset'),
    after: readOffset(after, 'out_offset'),
  };
}

function readRange(node: Node | undefined): TimeRange | null {
  if (node === undefined || node.type !== 'object') return null;
  const start = readTime(findNodeAtLocation(node, ['start_time']));
  const duration = readTime(findNodeAtLocation(node, ['duration']));
  return start === null || duration === null
    ? null
    : { start: start.seconds, duration: duration.seconds, rate: start.rate };
}

function readTime(node: Node | undefined): { readonly seconds: number; readonly rate: number } | null {
  if (node === undefined || node.type !== 'object') return null;
  const { value, rate } = getNodeValue(node) as { value?: unknown; rate?: unknown };
  return typeof value === 'number' && typeof rate === 'number' && rate > 0
    ? { seconds: value / rate, rate }
    : null;
}

function readOffset(neighbour: Node | undefined, name: string): number {
  if (neighbour === undefined || neighbour.type !== 'object') return 0;
  if (!/^Transition\.\d+$/.test(readText(neighbour, 'OTIO_SCHEMA') ?? '')) return 0;
  return readTime(findNodeAtLocation(neighbour, [name]))?.seconds ?? 0;
}

/** 1 without effects on time; null for such as freeze or go backwards. */
function readSpeed(clip: Node): number | null {
  let speed = 1;
  for (const effect of findNodeAtLocation(clip, ['effects'])?.children ?? []) {
    const schema = readText(effect, 'OTIO_SCHEMA') ?? '';
    if (/^LinearTimeWarp\.\d+$/.test(schema)) {
      const scalar: unknown = findNodeAtLocation(effect, ['time_scalar'])?.value;
      if (typeof scalar !== 'number' || scalar <= 0) return null;
      speed *= scalar;
    } else if (/^(FreezeFrame|TimeEffect)\.\d+$/.test(schema)) {
      return null;
    }
  }
  return speed;
}

/** Seconds at which the media begins on the clock that clips count in: its available range's, or its timecode. */
function startOf({ available }: OtioClip, facts: MediaFacts): number {
  return available?.start ?? facts.startFrame / toNumber(facts.frameRate);
}

/** On the clock that clips count in: of 29.97 frames a second without drop-frame, timecode's day is longer than a day. */
function secondsPerDay({ frameRate, dropFrame }: MediaFacts): number {
  return framesPerDay(countTimecode(frameRate, dropFrame)) / toNumber(frameRate);
}

function toUse(clip: OtioClip, facts: MediaFacts): FrameUse {
  const media = String(clip.url.value);
  const whole = { media, first: 0, end: facts.frames, grid: 1 };
  const { source, speed } = clip;
  if (source === null || speed === null) return whole;
  const rate = toNumber(facts.frameRate);
  const before = source.start - startOf(clip, facts);
  // Timecode starts over at midnight.
  const start = before < 0 && crossesMidnight(facts) ? before + secondsPerDay(facts) : before;
  // Programs differ in whether a clip's length is told before or after its speed: the longer one holds both.
  const seconds = source.duration * Math.max(1, speed);
  const first = Math.floor((start - clip.before * Math.max(1, speed)) * rate + 1e-6);
  const end = Math.ceil((start + seconds + clip.after * Math.max(1, speed)) * rate - 1e-6);
  if (end <= 0 || first >= facts.frames) {
    throw new UpscaleError('USAGE', `The clip ${clip.name} lies outside of its file ${facts.path}.`, {
      hint: 'Give the file that the timeline was made with; see upreel probe for its timecode.',
    });
  }
  return { ...whole, first: Math.max(0, first), end: Math.min(facts.frames, end) };
}

function writeOtio(
  source: string,
  clips: readonly OtioClip[],
  facts: ReadonlyMap<string, MediaFacts>,
  { findPiece, folder }: Conformed,
): string {
  const edits = new EditList();
  for (const clip of clips) {
    const written = String(clip.url.value);
    const known = facts.get(written);
    if (known === undefined) continue;
    const { first, end } = toUse(clip, known);
    const piece = findPiece(written, first, end);
    if (piece === undefined) continue;
    const { offset, length } = clip.url;
    edits.replace(offset, offset + length, JSON.stringify(writeReference(written, piece.path, folder)));
    if (clip.available !== null) editRange(edits, clip.reference, piece, clip.available);
  }
  return edits.render(source);
}

/** The new media's range on the old one's clock. */
function editRange(
  edits: EditList,
  reference: Node,
  { first, end, source }: Piece,
  available: TimeRange,
): void {
  const rate = toNumber(source.frameRate);
  const set = (name: 'start_time' | 'duration', seconds: number): void => {
    const value = findNodeAtLocation(reference, ['available_range', name, 'value']);
    const unit: unknown = findNodeAtLocation(reference, ['available_range', name, 'rate'])?.value;
    if (value === undefined || typeof unit !== 'number') return;
    const ticks = Number((seconds * unit).toFixed(6));
    edits.replace(
      value.offset,
      value.offset + value.length,
      Number.isInteger(ticks) ? ticks.toFixed(1) : String(ticks),
    );
  };
  set('start_time', available.start + first / rate);
  set('duration', (end - first) / rate);
}
