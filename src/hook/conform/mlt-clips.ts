import { divide, multiply, parseRational, rational, toNumber, type Rational } from '../../core/rational.ts';
import { isAnimated, parsePosition } from './mlt-values.ts';
import { MEDIA_SERVICES, TIME_SERVICES } from './mlt-services.ts';
import type { FrameUse, MediaFacts, Piece } from './timeline.ts';
import { readAttribute, walkXml, type XmlElement } from './xml-tree.ts';

/** The sequence that a project makes. */
export interface MltProfile {
  readonly element: XmlElement;
  readonly rate: Rational;
  /** In the sequence's own pixels. */
  readonly width: number;
  readonly height: number;
  readonly pixelAspect: Rational;
}

/** A producer or chain that plays a media file. */
export interface MltMedia {
  readonly element: XmlElement;
  readonly id: string;
  /** As the project writes it, without the speed that `timewarp` puts before. */
  readonly written: string;
  /** How fast it plays; negative is backwards. */
  readonly speed: Rational;
  /** Kdenlive's number of the clip in the bin; its producers on the timeline share it. */
  readonly binId: string | null;
}

/** A place where a producer is cut: an entry of a playlist, or a track. */
export interface MltClip {
  readonly element: XmlElement;
  readonly media: MltMedia;
  /** First and last position, in frames of the sequence; null where the producer's own count. */
  readonly in: number;
  readonly out: number | null;
  /** Stands in the bin, where clips are kept and not shown. */
  readonly inBin: boolean;
}

export function readProperty(element: XmlElement, name: string): string | undefined {
  return findProperty(element, name)?.text.trim();
}

export function findProperty(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === 'property' && readAttribute(child, 'name') === name);
}

/** All producers that play a media file. */
export function findMedia(root: XmlElement): MltMedia[] {
  return [...walkXml(root)].flatMap((element) => {
    if (element.name !== 'producer' && element.name !== 'chain') return [];
    const service = readProperty(element, 'mlt_service') ?? '';
    if (!MEDIA_SERVICES.includes(service)) return [];
    const resource = readProperty(element, 'resource') ?? '';
    const warped = service === 'timewarp' ? /^(-?[\d.]+(?:e-?\d+)?):([\s\S]*)$/.exec(resource) : null;
    const speed = warped === null ? '1' : (readProperty(element, 'warp_speed') ?? warped[1] ?? '1');
    const played = warped === null ? resource : (readProperty(element, 'warp_resource') ?? warped[2] ?? '');
    return [
      {
        element,
        id: readAttribute(element, 'id') ?? '',
        written: readOriginal(element) ?? played,
        speed: parseDecimal(speed),
        binId: readProperty(element, 'kdenlive:id') ?? null,
      },
    ];
  });
}

/** Kdenlive plays a smaller copy while one edits, and keeps the path of the true file. */
function readOriginal(element: XmlElement): string | null {
  const proxy = readProperty(element, 'kdenlive:proxy') ?? '-';
  const original = readProperty(element, 'kdenlive:originalurl') ?? '';
  return proxy.length > 1 && original !== '' ? original : null;
}

function parseDecimal(text: string): Rational {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d*)\.?(\d*)$/.exec(text.trim()) ?? [];
  const digits = fraction.slice(0, 9);
  return (
    parseRational(`${sign}${whole === '' ? '0' : whole}${digits}/1${'0'.repeat(digits.length)}`) ??
    rational(1)
  );
}

/** Every place where media are cut. A producer that nothing cuts is shown whole or not at all, and is none. */
export function findClips(root: XmlElement, media: readonly MltMedia[], rate: Rational): MltClip[] {
  const byId = new Map(media.map((entry) => [entry.id, entry]));
  return [...walkXml(root)].flatMap((element) => {
    if (element.name !== 'entry' && element.name !== 'track') return [];
    const found =
      byId.get(readAttribute(element, 'producer') ?? '') ??
      media.find((entry) => entry.element.parent === element);
    if (found === undefined) return [];
    const position = (name: 'in' | 'out'): number | null => {
      const text = readAttribute(element, name) ?? readAttribute(found.element, name);
      return text === undefined ? null : parsePosition(text, rate);
    };
    const playlist = readAttribute(element.parent ?? element, 'id') ?? '';
    return [
      {
        element,
        media: found,
        in: position('in') ?? 0,
        out: position('out'),
        inBin: /^main[_ ]bin$/.test(playlist),
      },
    ];
  });
}

/** Frames of the source for each position of the sequence. */
export function framesPerPosition(media: MltMedia, facts: MediaFacts, rate: Rational): Rational {
  const { num, den } = multiply(divide(facts.frameRate, rate), media.speed);
  return { num: Math.abs(num), den };
}

/** Length of the new media in positions. */
export function lengthOf(media: MltMedia, { first, end, source }: Piece, rate: Rational): number {
  const { num, den } = framesPerPosition(media, source, rate);
  return Math.max(1, Math.round(((end - first) * den) / num));
}

/**
 * The source's frames that a clip shows. MLT plays position `p` as frame `floor(p * ratio + 1/2)`; where `S` positions are `S * ratio`
 * whole frames, a clip moved by `S` shows the same frames of a file that begins that much later.
 */
export function toFrameUse(clip: MltClip, facts: MediaFacts, rate: Rational): FrameUse {
  const { media } = clip;
  const whole = { media: media.written, first: 0, end: facts.frames, grid: null };
  if (toNumber(media.speed) <= 0 || movesInTime(clip)) return whole;
  const ratio = framesPerPosition(media, facts, rate);
  const out = clip.out ?? Math.ceil((facts.frames * ratio.den) / ratio.num);
  const first = Math.floor((clip.in * ratio.num) / ratio.den);
  const end = Math.min(facts.frames, Math.ceil((out * ratio.num) / ratio.den) + 1);
  // Beyond the file's end its last frame is held, so that the file has to end there.
  if (first >= facts.frames) return whole;
  return { media: media.written, first, end, grid: isAnchored(clip, rate) ? null : ratio.num };
}

/** Something plays the media at times of its own. */
function movesInTime({ element, media }: MltClip): boolean {
  return (
    readProperty(media.element, 'force_fps') !== undefined ||
    [...attachedTo(element), ...attachedTo(media.element)].some((attached) =>
      TIME_SERVICES.includes(readProperty(attached, 'mlt_service') ?? ''),
    )
  );
}

/**
 * Some effect counts from the media's first frame and not from the clip's, or begins before the clip: it stays right only where the new
 * media begins with that frame as well.
 */
function isAnchored({ element, media, in: clipIn }: MltClip, rate: Rational): boolean {
  return [...attachedTo(element), ...attachedTo(media.element)].some((attached) => {
    const start = effectRange(attached, rate).in;
    const { out } = effectRange(attached, rate);
    if (out !== null && out > 0 && out < clipIn) return true;
    return (
      (start ?? 0) < clipIn &&
      attached.children.some((child) => child.name === 'property' && isAnimated(child.text))
    );
  });
}

/** Where an effect begins and ends, in positions of the producer. */
export function effectRange(effect: XmlElement, rate: Rational): { in: number | null; out: number | null } {
  const read = (name: 'in' | 'out'): number | null => {
    const text = readAttribute(effect, name) ?? readProperty(effect, name);
    return text === undefined ? null : parsePosition(text, rate);
  };
  return { in: read('in'), out: read('out') };
}

/** Filters and links of a producer or entry. */
export function attachedTo(element: XmlElement): XmlElement[] {
  return element.children.filter(({ name }) => name === 'filter' || name === 'link');
}
