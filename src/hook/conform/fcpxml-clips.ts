import { UpscaleError } from '../../core/errors.ts';
import type { Rational } from '../../core/rational.ts';
import { hullOf, mapSpan, parseTime, readSeconds, type TimeSpan } from './fcpxml-time.ts';
import type { Piece } from './timeline.ts';
import { readAttribute, walkXml, type XmlElement } from './xml-tree.ts';

/** Elements that stand on a timeline. */
export const ITEMS =
  /^(asset-clip|clip|sync-clip|ref-clip|mc-clip|video|audio|title|caption|gap|audition|spine|transition)$/;

/** A clip or picture of a timeline that plays an asset. */
export interface AssetUse {
  readonly element: XmlElement;
  readonly asset: XmlElement;
  /** What is shown of the asset on the asset's own clock, each possible reading; all of one reading over all timelines that show the clip. */
  readonly spans: readonly TimeSpan[];
  /** All that the clip would show if nothing hid it. Its asset has to hold that, unless the clip can be cut to what is shown. */
  readonly extents: readonly TimeSpan[];
}

/** A clip, and the piece that it shows from now on. */
export interface RepointedClip {
  readonly element: XmlElement;
  readonly asset: XmlElement;
  readonly piece: Piece;
}

/** What the projects of a document show. */
export interface ShownClips {
  readonly uses: readonly AssetUse[];
  /** Timelines that are shown: sequences, also of compound clips, and multicam media. */
  readonly timelines: readonly XmlElement[];
  /** Elements of those timelines that are shown. */
  readonly items: ReadonlySet<XmlElement>;
  /** Things that are there and not shown, each in one sentence. */
  readonly hidden: readonly string[];
}

/** Where an item stands: the moment at which it begins, and what is seen, on the clock of the timeline that it stands on. */
interface Place {
  readonly at: number;
  readonly seen: TimeSpan;
  /** Frames a second of the timeline. */
  readonly rate: number | null;
}

const ALWAYS: TimeSpan = { from: -Infinity, to: Infinity };
/** Compound clips in compound clips, and visits of them; more than any film has go round in circles. */
const DEEPEST = 50;
const MOST_VISITS = 100_000;

/** Follows the projects of a document down to the assets that they show. */
export function findShownClips(root: XmlElement): ShownClips {
  return new ClipFinder(root).find();
}

class ClipFinder {
  readonly #root: XmlElement;
  readonly #byId = new Map<string, XmlElement>();
  readonly #uses = new Map<XmlElement, AssetUse>();
  readonly #timelines = new Set<XmlElement>();
  readonly #items = new Set<XmlElement>();
  readonly #hidden = new Map<string, number>();
  #visits = 0;
  #depth = 0;

  constructor(root: XmlElement) {
    this.#root = root;
    for (const element of walkXml(root)) {
      const id = readAttribute(element, 'id');
      if (id !== undefined && element.parent?.name === 'resources') this.#byId.set(id, element);
    }
  }

  find(): ShownClips {
    for (const project of walkXml(this.#root)) {
      if (project.name !== 'project') continue;
      for (const sequence of project.children)
        if (sequence.name === 'sequence') this.#visitTimeline(sequence, ALWAYS);
    }
    return {
      uses: [...this.#uses.values()],
      timelines: [...this.#timelines],
      items: this.#items,
      hidden: [...this.#hidden].map(
        ([what, times]) => `Kept as it is: ${what}${times > 1 ? ` (${String(times)} times)` : ''}.`,
      ),
    };
  }

  #resource(element: XmlElement, name = 'ref'): XmlElement | undefined {
    return this.#byId.get(readAttribute(element, name) ?? '');
  }

  /** A sequence, or an angle of multicam media. */
  #visitTimeline(timeline: XmlElement, seen: TimeSpan, lanes = timeline.children): void {
    this.#timelines.add(timeline);
    const format = this.#resource(timeline, 'format');
    const frame = format === undefined ? null : readSeconds(format, 'frameDuration');
    const rate = frame === null || frame === 0 ? null : 1 / frame;
    for (const lane of lanes) {
      if (lane.name === 'spine' || lane.name === 'mc-angle')
        this.#visitStoryline(lane, { at: 0, seen, rate });
    }
  }

  /** Clips one behind the other; a transition shows more of those beside it. */
  #visitStoryline(storyline: XmlElement, { at, seen, rate }: Place): void {
    let next = 0;
    const items = storyline.children.filter(({ name }) => ITEMS.test(name));
    for (const [index, item] of items.entries()) {
      if (item.name === 'transition') continue;
      const begin = at + (readSeconds(item, 'offset') ?? next);
      const length = this.#lengthOf(item);
      next = begin - at + length;
      const reach = [items[index - 1], items[index + 1]].flatMap((beside) => {
        const from = beside?.name === 'transition' ? readSeconds(beside, 'offset') : null;
        return beside === undefined || from === null
          ? []
          : [{ from: at + from, to: at + from + (readSeconds(beside, 'duration') ?? 0) }];
      });
      this.#visitItem(
        item,
        { at: begin, seen, rate },
        hullOf([{ from: begin, to: begin + length }, ...reach]),
      );
    }
  }

  #visitItem(item: XmlElement, place: Place, extent?: TimeSpan): void {
    if (item.name === 'spine') {
      this.#visitStoryline(item, place);
      return;
    }
    if (item.name === 'audition') {
      const [pick, ...others] = item.children.filter(({ name }) => ITEMS.test(name));
      if (others.length > 0) this.#note('the clips of auditions that are not the pick', others.length);
      if (pick !== undefined) this.#visitItem(pick, place, extent);
      return;
    }
    if (!ITEMS.test(item.name)) return;
    const { at, seen, rate } = place;
    const start = this.#startOf(item);
    const whole = extent ?? { from: at, to: at + this.#lengthOf(item) };
    const shown = { from: Math.max(whole.from, seen.from), to: Math.min(whole.to, seen.to) };
    if (readAttribute(item, 'enabled') === '0') {
      this.#note('clips that are switched off', 1);
    } else if (shown.to > shown.from) {
      this.#items.add(item);
      this.#visitContent(item, { from: start + shown.from - at, to: start + shown.to - at }, rate);
    }
    const contains = /^(clip|sync-clip)$/.test(item.name);
    for (const child of item.children) {
      if (!ITEMS.test(child.name) || (contains && readAttribute(child, 'lane') === undefined)) continue;
      // What hangs on a retimed clip may count in the clip's time or in that of what it holds.
      const retimed =
        contains && item.children.some(({ name }) => name === 'timeMap' || name === 'conform-rate');
      const offset = (readSeconds(child, 'offset') ?? start) - start;
      this.#visitItem(child, { at: at + offset, seen: retimed ? ALWAYS : seen, rate });
    }
  }

  /** @param span - what is seen of it on its own clock */
  #visitContent(item: XmlElement, span: TimeSpan, rate: number | null): void {
    const resource = this.#resource(item);
    const readings = mapSpan(item, span, rate);
    if (item.name === 'clip' || item.name === 'sync-clip') {
      for (const child of item.children) {
        if (!ITEMS.test(child.name) || readAttribute(child, 'lane') !== undefined) continue;
        const at = readSeconds(child, 'offset') ?? (child.name === 'spine' ? 0 : this.#startOf(item));
        const seen = hullOf([...readings, ...readSound(item).flatMap((heard) => mapSpan(item, heard, rate))]);
        this.#visitItem(child, { at, seen, rate });
      }
    } else if (item.name === 'ref-clip' || item.name === 'mc-clip') {
      if (readAttribute(item, 'srcEnable') !== 'audio' && resource !== undefined)
        this.#visitMedia(item, resource, hullOf(readings));
    } else if (resource?.name === 'asset' && item.name !== 'audio') {
      if (readAttribute(item, 'srcEnable') !== 'audio') this.#addUse(item, resource, readings, rate);
    }
  }

  #visitMedia(item: XmlElement, media: XmlElement, seen: TimeSpan): void {
    this.#depth++;
    if (this.#depth > DEEPEST || ++this.#visits > MOST_VISITS) {
      throw new UpscaleError(
        'SOURCE_UNREADABLE',
        'The compound clips of the timeline hold one another without end.',
        {
          hint: 'Export the timeline anew.',
        },
      );
    }
    for (const held of media.children) {
      if (held.name === 'sequence') this.#visitTimeline(held, seen);
      if (held.name !== 'multicam') continue;
      const active = item.children
        .filter(
          (source) =>
            source.name === 'mc-source' && !/^(audio|none)$/.test(readAttribute(source, 'srcEnable') ?? ''),
        )
        .map((source) => readAttribute(source, 'angleID'));
      const angles = held.children.filter(({ name }) => name === 'mc-angle');
      const picked = angles.filter((angle) => active.includes(readAttribute(angle, 'angleID')));
      this.#visitTimeline(held, seen, picked.length > 0 ? picked : angles.slice(0, 1));
    }
    this.#depth--;
  }

  #addUse(item: XmlElement, asset: XmlElement, readings: readonly TimeSpan[], rate: number | null): void {
    const start = this.#startOf(item);
    const sound = readSound(item);
    const whole = mapSpan(item, hullOf([{ from: start, to: start + this.#lengthOf(item) }, ...sound]), rate);
    const heard = sound.flatMap((span) => mapSpan(item, span, rate));
    const before = this.#uses.get(item)?.spans ?? [];
    const spans = readings.map((span, i) => hullOf([span, heard[i] ?? span, before[i] ?? span]));
    this.#uses.set(item, { element: item, asset, spans, extents: whole });
  }

  /** Where an item's own clock begins: said, or that of what it plays. */
  #startOf(item: XmlElement): number {
    const said = readSeconds(item, 'start');
    if (said !== null) return said;
    const resource = this.#resource(item);
    const held = resource?.children.find(({ name }) => name === 'sequence' || name === 'multicam');
    if (resource?.name === 'asset') return readSeconds(resource, 'start') ?? 0;
    return held === undefined ? 0 : (readSeconds(held, 'tcStart') ?? 0);
  }

  #lengthOf(item: XmlElement): number {
    const inner = item.name === 'audition' ? item.children.find(({ name }) => ITEMS.test(name)) : undefined;
    if (inner !== undefined) return this.#lengthOf(inner);
    const resource = this.#resource(item);
    return (
      readSeconds(item, 'duration') ?? (resource === undefined ? 0 : (readSeconds(resource, 'duration') ?? 0))
    );
  }

  #note(what: string, times: number): void {
    this.#hidden.set(what, (this.#hidden.get(what) ?? 0) + times);
  }
}

/** The start of an asset's clock, exactly; zero where it does not say. */
export function readAssetStart(asset: XmlElement): Rational {
  return parseTime(readAttribute(asset, 'start')) ?? { num: 0, den: 1 };
}

/** Sound may begin earlier and end later than the picture: what is said of it, on the clip's own clock. */
function readSound(item: XmlElement): TimeSpan[] {
  const [from, length] = [readSeconds(item, 'audioStart'), readSeconds(item, 'audioDuration')];
  return from === null || length === null ? [] : [{ from, to: from + length }];
}
