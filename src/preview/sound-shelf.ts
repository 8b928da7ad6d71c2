import path from 'node:path';
import { toNumber } from '../core/rational.ts';
import type { OtherStream, Source } from '../decode/source.ts';
import { isSpeech, unpackTrack } from '../encode/unpack-speech.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { PlaylistEntry } from './playlist.ts';
import { cutSound, SOUND_SECONDS, type SoundPiece, type SoundSource } from './sound.ts';

/** Pieces of sound that are kept, about 1.5 MB each. */
const MOST_KEPT = 24;
/** Seconds: of a shorter stream with sound players never show the first picture. */
const LEAST_DURATION = 0.22;

/** The sound of a source, cut when it is asked for; the pieces that were asked for last are kept. */
export class SoundShelf {
  readonly #source: SoundSource;
  /** What is read, once it is there to be read. */
  readonly #file: () => Promise<SoundSource>;
  readonly #tools: FfmpegTools;
  readonly #kept = new Map<number, Promise<SoundPiece>>();
  readonly #ends = new AbortController();

  private constructor(source: SoundSource, file: () => Promise<SoundSource>, tools: FfmpegTools) {
    this.#source = source;
    this.#file = file;
    this.#tools = tools;
  }

  /** Null for a source without sound, or too short for it. `directory` is for what must be taken out of it first. */
  static of(source: Source, tools: FfmpegTools, directory: string): SoundShelf | null {
    const stream = source.others.find(({ type }) => type === 'audio');
    if (stream === undefined) return null;
    const { scan, timeBase } = source.video;
    const [first, last] = [scan.firstPts ?? 0, scan.lastPts ?? 0];
    const duration = (last - first + (scan.step?.median ?? 0)) * toNumber(timeBase);
    if (duration < LEAST_DURATION) return null;
    const { path, inputOptions } = source;
    const origin = first * toNumber(timeBase);
    const sound = { path, inputOptions, streamIndex: stream.index, origin, duration };
    let unpacked: Promise<SoundSource> | undefined;
    const file = (): Promise<SoundSource> => (unpacked ??= unpack(sound, stream, { tools, directory }));
    return new SoundShelf(sound, isSpeech(stream.codec) ? file : () => Promise.resolve(sound), tools);
  }

  /** Pieces by their seconds. */
  get count(): number {
    return Math.max(1, Math.ceil(this.#source.duration / SOUND_SECONDS - 1e-6));
  }

  list(toUri: (index: number) => string): PlaylistEntry[] {
    return Array.from({ length: this.count }, (_, index) => {
      const { start, end } = this.#rangeOf(index);
      return { uri: toUri(index), duration: end - start };
    });
  }

  /** @throws UpscaleError `FFMPEG_FAILED` */
  async take(index: number): Promise<SoundPiece> {
    const known = this.#kept.get(index);
    const piece =
      known ??
      this.#file().then((sound) =>
        cutSound(sound, this.#rangeOf(index), { tools: this.#tools, signal: this.#ends.signal }),
      );
    this.#kept.delete(index);
    this.#kept.set(index, piece);
    piece.catch(() => this.#kept.delete(index));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
    return piece;
  }

  async close(): Promise<void> {
    this.#ends.abort();
    await Promise.allSettled(this.#kept.values());
  }

  #rangeOf(index: number): { start: number; end: number } {
    const start = index * SOUND_SECONDS;
    return { start, end: Math.min(start + SOUND_SECONDS, Math.max(start + 0.1, this.#source.duration)) };
  }
}

async function unpack(
  sound: SoundSource,
  { index, startTime }: OtherStream,
  { tools, directory }: { readonly tools: FfmpegTools; readonly directory: string },
): Promise<SoundSource> {
  const target = path.join(directory, 'speech.amr');
  await unpackTrack(sound, index, target, { tools });
  return {
    ...sound,
    path: target,
    inputOptions: [],
    streamIndex: 0,
    origin: sound.origin - (startTime ?? 0),
  };
}
