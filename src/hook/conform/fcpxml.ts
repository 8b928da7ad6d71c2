import { UpscaleError } from '../../core/errors.ts';
import { toNumber } from '../../core/rational.ts';
import { findShownClips, readAssetStart, type AssetUse, type ShownClips } from './fcpxml-clips.ts';
import { readFormatSize } from './fcpxml-formats.ts';
import { canCut } from './fcpxml-cut.ts';
import { hullOf, overlaps, type TimeSpan } from './fcpxml-time.ts';
import { writeFcpxml } from './fcpxml-write.ts';
import { crossesMidnight } from './read-facts.ts';
import type { Conformed, FrameUse, MediaFacts, MediaReference, Timeline } from './timeline.ts';
import { readAttribute, type XmlElement } from './xml-tree.ts';

/**
 * Reads FCPXML, as Final Cut Pro and DaVinci Resolve write it (1.8 and later). Every clip counts on its asset's own clock, which begins at
 * the file's timecode: a new file that begins later on the same clock leaves all times of the clips as they are. Positions, crops and anchors
 * are parts of the frame's height, and stay as well.
 *
 * @throws UpscaleError `SOURCE_UNREADABLE` for a document without a project, or whose sequence has no size
 */
export function readFcpxml(source: string, root: XmlElement, file: string): Timeline {
  return new FcpxmlTimeline(source, root, file);
}

class FcpxmlTimeline implements Timeline {
  readonly format = 'fcpxml';
  readonly size: { readonly width: number; readonly height: number };
  readonly #source: string;
  readonly #root: XmlElement;
  readonly #file: string;
  readonly #shown: ShownClips;

  constructor(source: string, root: XmlElement, file: string) {
    this.#source = source;
    this.#root = root;
    this.#file = file;
    this.#shown = findShownClips(root);
    const [sequence] = this.#shown.timelines;
    const size = sequence === undefined ? null : readFormatSize(root, readAttribute(sequence, 'format'));
    if (sequence === undefined || size === null) {
      throw new UpscaleError(
        'SOURCE_UNREADABLE',
        sequence === undefined ? `${file} has no project.` : `${file} does not say the size of its sequence.`,
        { hint: 'Export the project, not its clips: File > Export XML in Final Cut Pro, FCPXML in Resolve.' },
      );
    }
    this.size = size;
  }

  get media(): MediaReference[] {
    const assets = new Set(this.#shown.uses.map(({ asset }) => asset));
    const written = [...assets].flatMap((asset) => findSource(asset) ?? []);
    return [...new Set(written)].map((entry) => ({ written: entry, paths: [entry] }));
  }

  listUses(facts: ReadonlyMap<string, MediaFacts>): FrameUse[] {
    return this.#shown.uses.flatMap((use) => toFrameUse(use, facts, this.#file) ?? []);
  }

  write(facts: ReadonlyMap<string, MediaFacts>, conformed: Conformed): { text: string; kept: string[] } {
    const repointed = this.#shown.uses.flatMap((use) => {
      const { element, asset } = use;
      const used = toFrameUse(use, facts, this.#file);
      const piece = used === null ? undefined : conformed.findPiece(used.media, used.first, used.end);
      return piece === undefined ? [] : [{ element, asset, piece }];
    });
    return writeFcpxml(this.#source, this.#root, {
      shown: this.#shown,
      repointed,
      conformed,
      size: this.size,
    });
  }
}

/** The file of an asset: that of its original, or as before version 1.9 its own attribute. */
export function findSource(asset: XmlElement): string | null {
  const representation =
    asset.children.find(
      (child) =>
        child.name === 'media-rep' && (readAttribute(child, 'kind') ?? 'original-media') === 'original-media',
    ) ?? asset.children.find(({ name }) => name === 'media-rep');
  return readAttribute(representation ?? asset, 'src') ?? null;
}

function toFrameUse(
  { element, asset, spans: shown, extents }: AssetUse,
  facts: ReadonlyMap<string, MediaFacts>,
  file: string,
): FrameUse | null {
  const media = findSource(asset);
  const known = media === null ? undefined : facts.get(media);
  if (media === null || known === undefined) return null;
  const spans = canCut(element) ? shown : shown.map((span, i) => hullOf([span, extents[i] ?? span]));
  const rate = toNumber(known.frameRate);
  const start = toNumber(readAssetStart(asset));
  const length = known.frames / rate;
  const toFrames = (list: readonly TimeSpan[], zero: number): FrameUse => ({
    media,
    first: Math.max(0, Math.floor((Math.min(...list.map(({ from }) => from)) - zero) * rate + 1e-3)),
    end: Math.min(
      known.frames,
      Math.max(1, Math.ceil((Math.max(...list.map(({ to }) => to)) - zero) * rate - 1e-3)),
    ),
    grid: crossesMidnight(known) ? null : 1,
  });
  const inside = spans.filter((span) => overlaps(span, { from: start, to: start + length }));
  if (inside.length > 0) return widen(toFrames(inside, start));
  // Some programs count what a clip is retimed to from the file's start, whatever its timecode: the new file has to begin there.
  const relative = spans.filter((span) => overlaps(span, { from: 0, to: length }));
  if (relative.length > 0) return { ...widen(toFrames(relative, 0)), grid: null };
  throw new UpscaleError('USAGE', `${file} shows a part of ${known.path} that the file does not have.`, {
    details: `The clip ${readAttribute(element, 'name') ?? ''}, from ${String(spans[0]?.from)} s; the file runs from ${String(start)} s to ${String(start + length)} s.`,
    hint: 'Give the file that the timeline was made with.',
  });
}

/** A frame that is held has no length. */
function widen(use: FrameUse): FrameUse {
  return use.end > use.first ? use : { ...use, end: use.first + 1 };
}
