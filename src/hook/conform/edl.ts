import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import {
  allowsDropFrame,
  countTimecode,
  formatTimecode,
  framesPerDay,
  parseTimecode,
  splitTimecode,
  type TimecodeCount,
} from '../../core/timecode.ts';
import { EditList } from './edit-list.ts';
import { crossesMidnight } from './read-facts.ts';
import type { Conformed, FrameUse, MediaFacts, MediaReference, Timeline } from './timeline.ts';

/** `001  REEL  V  C  in out in out`, of the source and of the record; a dissolve or wipe has its length behind its letter. */
const EVENT =
  /^(\d+)\s+(\S+)\s+(\S+)\s+(C|D|W\d+|K\s?[BO]?)\s*(\d+)?\s+(\d\d:\d\d:\d\d[:;]\d\d)\s+(\d\d:\d\d:\d\d[:;]\d\d)\s+(\d\d:\d\d:\d\d[:;]\d\d)\s+(\d\d:\d\d:\d\d[:;]\d\d)\s*$/i;
const MOTION = /^M2\s+(\S+)\s+(-?\d+(?:\.\d+)?)/;
const NAME = /^\*\s*(FROM CLIP NAME|TO CLIP NAME|SOURCE FILE|FROM FILE|TO FILE)\s*:\s*(.*?)\s*$/i;
/** Reels that are no files: black and, in most lists, "not on a reel". */
const NO_REEL = /^(BL|BLACK)$/i;
const SOUND_ONLY = /^(A\d*|AA|NONE)(\/A\d*)*$/i;

/** A name of a file or clip, and where it stands. */
interface WrittenName {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

interface EdlEvent {
  readonly reel: string;
  readonly channels: string;
  readonly source: readonly [string, string];
  readonly record: readonly [string, string];
  /** Frames a second, as timecode counts them, at which the source plays; null at its own speed. */
  speed: number | null;
  /** What comments say of it, the file's path before the clip's name. */
  readonly names: WrittenName[];
}

/**
 * Reads a CMX3600 edit decision list. It has no sizes and no paths: media are found by `SOURCE FILE`, `FROM CLIP NAME` or the reel, and
 * frames by timecode. The new media keep timecode and reel, so the list stays as it is but for the names.
 */
export function readEdl(source: string, file: string): Timeline {
  const events = parseEvents(source);
  if (events.length === 0) {
    throw new UpscaleError('SOURCE_UNREADABLE', `${file} has no events of a CMX3600 list.`, {
      hint: 'Export the timeline as EDL (CMX3600).',
    });
  }
  const shown = events.filter(({ reel, channels }) => !NO_REEL.test(reel) && !SOUND_ONLY.test(channels));
  const largest = findLargestNumbers(shown);
  return {
    format: 'edl',
    size: null,
    media: listMedia(shown),
    listUses: (facts) =>
      shown.flatMap((event) => {
        const known = facts.get(keyOf(event));
        return known === undefined ? [] : [toUse(event, known, largest)];
      }),
    write: (facts, conformed) => writeEdl(source, shown, facts, conformed, largest),
  };
}

function parseEvents(source: string): EdlEvent[] {
  const events: EdlEvent[] = [];
  let number = '';
  let offset = 0;
  for (const line of source.split('\n')) {
    const start = offset;
    offset += line.length + 1;
    const event = EVENT.exec(line.trim());
    if (event !== null) {
      const [, id = '', reel = '', channels = '', , , a = '', b = '', c = '', d = ''] = event;
      number = id;
      events.push({ reel, channels, source: [a, b], record: [c, d], speed: null, names: [] });
      continue;
    }
    const motion = MOTION.exec(line.trim());
    const last = events.at(-1);
    if (motion !== null && last !== undefined) {
      const target = events.findLast(({ reel }) => reel === motion[1]) ?? last;
      target.speed = Number(motion[2]);
    }
    const name = NAME.exec(line.trim());
    if (name === null || last === undefined || number === '') continue;
    const [, kind = '', value = ''] = name;
    const at = start + line.lastIndexOf(value);
    const previous = events.at(-2);
    // A dissolve is two lines: what it comes from has no length of its own.
    const from = /^(FROM)/i.test(kind) && previous?.record[0] === previous?.record[1] ? previous : undefined;
    const list = (from ?? last).names;
    const entry = { value, start: at, end: at + value.length };
    if (/FILE/i.test(kind)) list.unshift(entry);
    else list.push(entry);
  }
  return events;
}

function keyOf({ names, reel }: EdlEvent): string {
  return names[0]?.value ?? reel;
}

function listMedia(events: readonly EdlEvent[]): MediaReference[] {
  const media = new Map<string, MediaReference>();
  for (const event of events) {
    const written = keyOf(event);
    const names = event.names.map(({ value }) => value);
    const paths = [
      ...names,
      ...['mov', 'mxf', 'mp4', 'avi', 'dv'].map((ending) => `${event.reel}.${ending}`),
    ];
    if (!media.has(written)) media.set(written, { written, paths });
  }
  return [...media.values()];
}

/** The largest number of a frame within its second by which a list calls a file's frames, by the file's key. */
function findLargestNumbers(events: readonly EdlEvent[]): Map<string, number> {
  const largest = new Map<string, number>();
  for (const event of events) {
    const numbers = event.source.map((text) => splitTimecode(text)?.fields[3] ?? 0);
    largest.set(keyOf(event), Math.max(largest.get(keyOf(event)) ?? 0, ...numbers));
  }
  return largest;
}

function toUse(event: EdlEvent, facts: MediaFacts, largest: ReadonlyMap<string, number>): FrameUse {
  const spans = listCounts(event, facts, largest.get(keyOf(event)) ?? 0)
    .map((count) => findSpan(event, facts, count))
    .filter((span) => span !== null);
  if (spans.length === 0) throw describeOutside(event, facts);
  return {
    media: keyOf(event),
    first: Math.max(0, Math.min(...spans.map(({ first }) => first))),
    end: Math.min(facts.frames, Math.max(...spans.map(({ end }) => end))),
    grid: 1,
  };
}

/**
 * How the list may count the frames of a file. Lists say no rate. Where no frame of a file of 50 or 60 a second has a number beyond 24 or 29, its list may
 * count pairs of them, as sequences of 25 or 30 do, or the frames themselves: both are taken, which differ by less than half a second.
 *
 * @param largest - the largest number of a frame within its second that the list has for the file
 */
function listCounts(event: EdlEvent, { frameRate, dropFrame }: MediaFacts, largest: number): TimecodeCount[] {
  // Lists mark drop-frame by the semicolon or not at all; files without a timecode of their own count as the list does.
  const marked = event.source.some((text) => splitTimecode(text)?.dropFrame === true);
  const own = countTimecode(frameRate, (dropFrame || marked) && allowsDropFrame(frameRate));
  if (largest >= own.framesPerSecond) throw describeOtherRate(event, own.framesPerSecond);
  const { num, den } = frameRate;
  const isFast = own.framesPerSecond >= 48 && largest < own.framesPerSecond / 2;
  return isFast ? [own, countTimecode({ num, den: 2 * den }, own.dropFrame)] : [own];
}

/** The frames of the file that an event shows when its timecodes are counted like this; null where the file has none of them. */
function findSpan(
  event: EdlEvent,
  facts: MediaFacts,
  count: TimecodeCount,
): { readonly first: number; readonly end: number } | null {
  const day = framesPerDay(count);
  const perNumber = countTimecode(facts.frameRate, false).framesPerSecond / count.framesPerSecond;
  const [start, stop] = event.source.map((text) => parseTimecode(text, count));
  const [from, to] = event.record.map((text) => parseTimecode(text, count));
  if (start == null || stop == null) return null;
  if (event.speed !== null && (from == null || to == null))
    throw describeOtherRate(event, count.framesPerSecond);
  // Timecode starts over at midnight.
  const distance = (earlier: number, later: number): number => later - earlier + (later < earlier ? day : 0);
  const played = Math.max(1, distance(from ?? 0, to ?? 0));
  const length =
    event.speed === null
      ? distance(start, stop)
      : Math.ceil((played * Math.abs(event.speed)) / count.framesPerSecond) + 1;
  const backwards = event.speed !== null && event.speed < 0;
  const origin = facts.startFrame / perNumber;
  const begin = crossesMidnight(facts) ? distance(origin, start) : start - origin;
  const first = Math.floor((begin - (backwards ? length : 0)) * perNumber);
  const end = Math.ceil((begin + (backwards ? 1 : length)) * perNumber);
  return end <= 0 || first >= facts.frames ? null : { first, end: Math.max(end, first + 1) };
}

function describeOtherRate(event: EdlEvent, framesPerSecond: number): UpscaleError {
  return new UpscaleError(
    'USAGE',
    `The list counts more frames a second than the ${String(framesPerSecond)} of ${keyOf(event)}.`,
    { hint: 'Export the timeline as FCPXML or OTIO: they say which frame is meant at any rate.' },
  );
}

function describeOutside(
  event: EdlEvent,
  { startFrame, frames, frameRate, dropFrame }: MediaFacts,
): UpscaleError {
  const count = countTimecode(frameRate, dropFrame);
  const [begin, end] = [startFrame, startFrame + frames].map((frame) => formatTimecode(frame, count));
  return new UpscaleError(
    'USAGE',
    `The list shows ${keyOf(event)} at ${event.source[0]}, and the file runs from ${begin ?? ''} to ${end ?? ''}.`,
    { hint: 'Give the file that the list was made with; see upreel probe for its timecode.' },
  );
}

function writeEdl(
  source: string,
  events: readonly EdlEvent[],
  facts: ReadonlyMap<string, MediaFacts>,
  { findPiece }: Conformed,
  largest: ReadonlyMap<string, number>,
): { text: string; kept: string[] } {
  const edits = new EditList();
  const kept: string[] = [];
  for (const event of events) {
    const known = facts.get(keyOf(event));
    if (known === undefined) continue;
    const { first, end } = toUse(event, known, largest);
    const piece = findPiece(keyOf(event), first, end);
    if (piece === undefined) continue;
    for (const { value, start, end: stop } of event.names) {
      edits.replace(start, stop, /[/\\]/.test(value) ? piece.path : path.basename(piece.path));
    }
    if (event.names.length === 0) {
      kept.push(
        `The event of reel ${event.reel} names no clip; ${piece.path} is found by its timecode and reel.`,
      );
    }
  }
  return { text: edits.render(source), kept };
}
