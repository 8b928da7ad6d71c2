import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { findTools, type FfmpegTools } from '../ffmpeg/tools.ts';
import { LanePool } from '../pipeline/lane-pool.ts';
import { LIVE_TIME_BASE } from '../pipeline/live-commands.ts';
import { planLive } from '../pipeline/plan-live.ts';
import type { LivePlan, LiveState } from '../pipeline/run-live.ts';
import { stackedSize } from '../pipeline/stack-frames.ts';
import { makeInitSegments, type StackedPictures, type View } from './init-segment.ts';

/** Names that the encoder gives to what it writes. */
const SEGMENT = /^segment-\d{5,9}\.m4s$/;
/** Milliseconds between looks for a playlist that is still to come, and how long one is waited for. */
const LOOK_EVERY = 100;
const MOST_WAIT = 30_000;

/** A live source that is watched. It is upscaled once, from the start of the server on, for however many watch. */
export class LivePreview {
  readonly source: string;
  readonly #plan: LivePlan;
  readonly #tools: FfmpegTools;
  readonly #directory: string;
  readonly #pool = new LanePool(1);
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;
  #state: LiveState | null = null;
  #error: UpscaleError | null = null;
  #init: Promise<Readonly<Record<View, Buffer>>> | null = null;

  private constructor(plan: LivePlan, tools: FfmpegTools, directory: string, logger: Logger) {
    this.source = plan.source;
    this.#plan = plan;
    this.#tools = tools;
    this.#directory = directory;
    this.#ended = this.#pool
      .runLive({
        ...{ plan, tools, signal: this.#stop.signal },
        onMessage: (message) => {
          if (message.type === 'live') this.#state = message.state;
          if (message.type === 'log') logger[message.level](message.message);
        },
      })
      .catch((error: unknown) => {
        this.#error = UpscaleError.from(error);
        logger.warn(this.#error.message);
      });
  }

  /** Starts at once. Throws `USAGE` and what models throw; what the source does is said by {@link LivePreview.watch}. */
  static async open(
    source: string,
    options: { readonly upscale: UpscaleOptions; readonly logger: Logger },
  ): Promise<LivePreview> {
    const { upscale, logger } = options;
    const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-preview-'));
    try {
      const tools = await findTools({
        ...(upscale.ffmpeg === undefined ? {} : { ffmpeg: upscale.ffmpeg }),
        ...(upscale.ffprobe === undefined ? {} : { ffprobe: upscale.ffprobe }),
      });
      const destination = path.join(directory, 'stream.m3u8');
      const plan = await planLive(source, destination, { upscale, beside: true, logger });
      return new LivePreview(plan, tools, directory, logger);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get state(): LiveState | null {
    return this.#state;
  }

  /** Waits for the first pictures. Throws what became of the source. */
  async watch(
    signal: AbortSignal,
  ): Promise<{ readonly state: LiveState; readonly pictures: StackedPictures }> {
    await this.#waitFor(async () => this.#state !== null && (await this.#hasSegment()), signal);
    const state = this.#state;
    if (state === null) throw new UpscaleError('SOURCE_UNREADABLE', 'The stream has not begun.');
    return { state, pictures: describePictures(state) };
  }

  /** The playlist as it is now, in one of the views. */
  async readPlaylist(view: View, signal: AbortSignal): Promise<string> {
    await this.watch(signal);
    const text = await readFile(path.join(this.#directory, 'stream.m3u8'), 'utf8');
    return text.replace('init.mp4', `${view}.mp4`);
  }

  async readInit(view: View, signal: AbortSignal): Promise<Buffer> {
    const { pictures } = await this.watch(signal);
    this.#init ??= this.#makeInit(pictures);
    this.#init.catch(() => (this.#init = null));
    return (await this.#init)[view];
  }

  /** A segment by its name, null where there is none: old ones go. */
  async readSegment(name: string): Promise<Buffer | null> {
    if (!SEGMENT.test(name)) return null;
    return readFile(path.join(this.#directory, name)).catch(() => null);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await this.#pool.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #hasSegment(): Promise<boolean> {
    const text = await readFile(path.join(this.#directory, 'stream.m3u8'), 'utf8').catch(() => '');
    return text.includes('.m4s');
  }

  async #makeInit(pictures: StackedPictures): Promise<Readonly<Record<View, Buffer>>> {
    const text = await readFile(path.join(this.#directory, 'stream.m3u8'), 'utf8');
    const last = text.split('\n').findLast((line) => SEGMENT.test(line)) ?? '';
    const movie = Buffer.concat([
      await readFile(path.join(this.#directory, 'init.mp4')),
      (await this.readSegment(last)) ?? Buffer.alloc(0),
    ]);
    return makeInitSegments(movie, pictures, {
      ...{ tools: this.#tools, directory: this.#directory },
      timescale: LIVE_TIME_BASE.den,
      signal: this.#stop.signal,
    });
  }

  async #waitFor(check: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    for (let waited = 0; ; waited += LOOK_EVERY) {
      if (this.#error !== null) throw this.#error;
      if (await check()) return;
      if (signal.aborted || waited > MOST_WAIT) {
        throw new UpscaleError('SOURCE_UNREADABLE', `Nothing has come from ${this.#plan.source} yet.`, {
          hint: 'Check that the source sends.',
        });
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  }
}

function describePictures({ source, width, height }: LiveState): StackedPictures {
  return {
    stacked: stackedSize({ width, height }, source),
    upscaled: { width, height },
    original: source,
    sampleAspectRatio: { num: 1, den: 1 },
  };
}
