import type { Rational } from '../../core/rational.ts';

/** What a timeline needs to know of a media file to find its frames. */
export interface MediaFacts {
  /** Absolute path. */
  readonly path: string;
  readonly frames: number;
  readonly frameRate: Rational;
  /** Frames from `00:00:00:00` to the first one by the file's timecode, in its own count; 0 without one. */
  readonly startFrame: number;
  readonly dropFrame: boolean;
  readonly reel: string | null;
  /** As decoded, and as shown in square pixels. */
  readonly width: number;
  readonly height: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** Stream indices of the picture and of the tracks of sound, in file order. */
  readonly videoIndex: number;
  readonly audioIndices: readonly number[];
}

/** Frames of a media file that a timeline shows: `first` up to but not including `end`, in the media's own frames. */
export interface FrameUse {
  /** The media as the timeline writes it. */
  readonly media: string;
  readonly first: number;
  readonly end: number;
  /**
   * The new media must begin with a frame whose number is a multiple of this, so that clips can be moved by whole frames of the timeline;
   * null where it must begin with the media's first frame.
   */
  readonly grid: number | null;
}

/** A part of a media file that is upscaled, and the file that it becomes. */
export interface Piece {
  readonly source: MediaFacts;
  readonly first: number;
  readonly end: number;
  /** Absolute path of the new file, and its size; it has square pixels, no fields, and the source's rate. */
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** False where its colours are coded with another matrix than the source's. */
  readonly keepsColor: boolean;
}

/** What the new timeline is made with. */
export interface Conformed {
  /** New size of the sequence, in square pixels. */
  readonly width: number;
  readonly height: number;
  /** The piece that holds these frames of a media file; undefined where the file stays as it is. */
  readonly findPiece: (media: string, first: number, end: number) => Piece | undefined;
  /** Where the new timeline will stand, for relative paths. */
  readonly folder: string;
}

/** A timeline that was read. What it does not understand it keeps. */
export interface Timeline {
  readonly format: 'mlt' | 'edl' | 'otio' | 'fcpxml';
  /** Of the sequence, in square pixels; null where the format does not say. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Media that are used, as written, each once. */
  readonly media: readonly MediaReference[];
  /** Frames that are shown of the media that `facts` knows. */
  listUses(facts: ReadonlyMap<string, MediaFacts>): FrameUse[];
  /** The new timeline, and what was kept without being understood, each in one sentence. */
  write(
    facts: ReadonlyMap<string, MediaFacts>,
    conformed: Conformed,
  ): { readonly text: string; readonly kept: string[] };
}

/** A media file as a timeline names it. */
export interface MediaReference {
  /** Key of the reference: what stands in the timeline. */
  readonly written: string;
  /** Paths to try, relative to the timeline's folder. */
  readonly paths: readonly string[];
  /** May be missing: what it stands for is not upscaled anyway. */
  readonly optional?: boolean;
}
