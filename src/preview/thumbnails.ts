import { buildArguments } from '../ffmpeg/command.ts';
import { readFfmpeg } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { toNumber } from '../core/rational.ts';
import type { Source } from '../decode/source.ts';

/** Places of the whole that have a thumbnail. */
export const THUMBNAILS = 60;
const HEIGHT = 90;
/** Made at the same time. */
const AT_ONCE = 1;

/** Small pictures of the source for the scrub bar, made when they are asked for, one after another, and kept. */
export class Thumbnails {
  readonly #source: Source;
  readonly #tools: FfmpegTools;
  readonly #kept = new Map<number, Promise<Buffer>>();
  readonly #ends = new AbortController();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(source: Source, tools: FfmpegTools) {
    this.#source = source;
    this.#tools = tools;
  }

  /** A JPEG of the key frame at or before place `index` of {@link THUMBNAILS}. */
  async take(index: number): Promise<Buffer> {
    const known = this.#kept.get(index);
    if (known !== undefined) return known;
    const made = this.#enqueue(() => this.#make(index));
    this.#kept.set(index, made);
    made.catch(() => this.#kept.delete(index));
    return made;
  }

  async close(): Promise<void> {
    this.#ends.abort();
    await Promise.allSettled(this.#kept.values());
  }

  async #enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#queue.shift()?.();
    }
  }

  async #make(index: number): Promise<Buffer> {
    const { video, path, inputOptions } = this.#source;
    const { scan, timeBase } = video;
    const [first, last] = [scan.firstPts ?? 0, scan.lastPts ?? 0];
    const seconds = (first + ((last - first) * index) / THUMBNAILS) * toNumber(timeBase);
    const width = 2 * Math.round((HEIGHT * video.displayWidth) / video.displayHeight / 2);
    const fields = video.fields.topFieldFirst === null ? [] : ['yadif'];
    const command = buildArguments({
      global: ['-v', 'error'],
      inputs: [
        {
          path,
          options: [
            ...['-threads', '1', '-skip_frame', 'nokey', '-noaccurate_seek', '-seek_timestamp', '1'],
            ...['-ss', String(seconds), ...inputOptions],
          ],
        },
      ],
      outputs: [
        {
          path: 'pipe:1',
          options: [
            ...['-map', `0:${String(video.index)}`, '-frames:v', '1'],
            ...['-vf', [...fields, `scale=${String(width)}:${String(HEIGHT)}`].join(',')],
            ...['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '6', '-f', 'image2pipe'],
          ],
        },
      ],
    });
    return readFfmpeg(this.#tools, command, { what: 'making a thumbnail', signal: this.#ends.signal });
  }
}
