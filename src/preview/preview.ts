import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { parseRational, toNumber } from '../core/rational.ts';
import { listFrameTimes } from '../decode/list-frame-times.ts';
import { probe } from '../decode/probe.ts';
import type { Source } from '../decode/source.ts';
import { findTools, type FfmpegTools } from '../ffmpeg/tools.ts';
import { loadRegistry, type RegisteredModel } from '../infer/registry.ts';
import { LanePool } from '../pipeline/lane-pool.ts';
import { preferredLanes } from '../pipeline/resources.ts';
import { cutPieces } from './grid.ts';
import { listRungs, RESERVE, type Rung } from './ladder.ts';
import { makeSeekable } from './make-seekable.ts';
import { SegmentCache } from './segment-cache.ts';
import { AUTO_MODEL, type Settings } from './settings.ts';
import { SoundShelf } from './sound-shelf.ts';
import { Variant } from './variant.ts';
import { ViewerList } from './viewers.ts';
import { Workbench } from './workbench.ts';

export interface PreviewOptions {
  /** As for a run; `model` pins what plays. */
  readonly upscale: UpscaleOptions;
  /** Bytes that finished segments may take on disk. */
  readonly cacheBytes: number;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Frames that networks are opened with. */
const WARMING_FRAMES = 2;
/** The smallest picture, as a share of the one asked for, that is shown rather than every other frame. */
const LEAST_SIZE_SHARE = 0.6;
/** Previews are no larger than this unless a size was asked for. */
const LARGEST = { width: 3840, height: 2160 };

/** What plays and why. */
export interface Playing {
  readonly model: string;
  readonly chroma: Rung['chroma'];
  readonly halfRate: boolean;
  readonly width: number;
  readonly height: number;
  /** Times real time that this machine makes it at; null before anything was measured. */
  readonly speed: number | null;
  /** Frames a second that are left out to keep up. */
  readonly droppedRate: number;
}

/** One source that is watched, by any number of viewers in any number of variants. */
export class Preview {
  readonly input: string;
  readonly source: Source;
  readonly tools: FfmpegTools;
  readonly models: readonly RegisteredModel[];
  readonly viewers = new ViewerList();
  readonly workbench: Workbench;
  readonly sound: SoundShelf | null;
  readonly cache: SegmentCache;
  readonly #options: PreviewOptions;
  /** For what is made on the way; removed at the end. */
  readonly directory: string;
  readonly #lanes: number;
  readonly #frameTimes: Float64Array | null;
  readonly #variants = new Map<string, Promise<Variant>>();
  readonly #ends = new AbortController();
  #sizeShare = 1;

  private constructor(
    input: string,
    options: PreviewOptions,
    parts: {
      readonly source: Source;
      readonly frameTimes: Float64Array | null;
      readonly tools: FfmpegTools;
      readonly models: readonly RegisteredModel[];
      readonly directory: string;
      readonly pool: LanePool;
      readonly lanes: number;
    },
  ) {
    this.input = input;
    this.#options = options;
    this.source = parts.source;
    this.#frameTimes = parts.frameTimes;
    this.tools = parts.tools;
    this.models = parts.models;
    this.directory = parts.directory;
    this.#lanes = parts.lanes;
    this.cache = new SegmentCache(parts.directory, options.cacheBytes);
    this.workbench = new Workbench({
      lanes: this.#lanes,
      pool: parts.pool,
      tools: parts.tools,
      directory: parts.directory,
      cache: this.cache,
      viewers: this.viewers,
      logger: options.logger,
    });
    this.sound = SoundShelf.of(parts.source, parts.tools, parts.directory);
  }

  /** Finds out what `input` is. Throws what `probe` and `plan` throw. */
  static async open(input: string, options: PreviewOptions): Promise<Preview> {
    const { upscale, logger, signal } = options;
    const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-preview-'));
    const lanes = upscale.workers ?? preferredLanes(os.availableParallelism(), upscale.device);
    const pool = new LanePool(lanes, lanes);
    try {
      const tools = await findTools({
        ...(upscale.ffmpeg === undefined ? {} : { ffmpeg: upscale.ffmpeg }),
        ...(upscale.ffprobe === undefined ? {} : { ffprobe: upscale.ffprobe }),
      });
      const rate = upscale.inputFrameRate === undefined ? null : parseRational(upscale.inputFrameRate);
      const found = await probe(input, {
        tools,
        signal,
        logger,
        ...(rate === null ? {} : { inputFrameRate: rate }),
      });
      const source = await makeSeekable(found, { tools, directory, signal, logger });
      const models = (await loadRegistry({ logger })).list();
      const { variableFrameRate } = source.video.scan;
      const frameTimes = variableFrameRate ? await listFrameTimes(source, { tools, signal, logger }) : null;
      return new Preview(input, options, { source, frameTimes, tools, models, directory, pool, lanes });
    } catch (error) {
      await pool.close();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** What plays before anything is chosen. */
  get defaults(): Settings {
    const { temporal, deinterlace, chroma, model } = this.#options.upscale;
    return { model: model ?? AUTO_MODEL, temporal, deinterlace, chroma };
  }

  /** What the source is called, for people. */
  get name(): string {
    return path.basename(this.input);
  }

  /** The size that the command line asked for. */
  get askedSize(): Pick<UpscaleOptions, 'scale' | 'to'> {
    const { scale, to } = this.#options.upscale;
    return { scale, to };
  }

  /** Options of a run that makes what a variant shows now, in full quality. */
  upscaleOf(settings: Settings, variant: Variant): UpscaleOptions {
    const rung = variant.rungs[variant.ladder.current];
    const { temporal, deinterlace, chroma } = settings;
    const model = rung?.model ?? this.#options.upscale.model;
    return { ...this.#options.upscale, ...this.#chooseSize(1), model, temporal, deinterlace, chroma };
  }

  /** What the page may choose from: models by name and plain filters, and the one that the command line pinned. */
  get modelChoices(): readonly string[] {
    const { model } = this.#options.upscale;
    const names = [AUTO_MODEL, ...this.models.map(({ id }) => id), 'lanczos', 'bicubic'];
    return model === undefined || names.includes(model) ? names : [...names, model];
  }

  /** The variant of some settings, made when it is first asked for, with its segment `first`; equal settings share one. */
  variantOf(settings: Settings, first = 0): Promise<Variant> {
    if (!this.modelChoices.includes(settings.model)) {
      throw new UpscaleError('MODEL_NOT_FOUND', 'There is no model of this name here.');
    }
    const key = JSON.stringify([settings.model, settings.temporal, settings.deinterlace, settings.chroma]);
    const known = this.#variants.get(key);
    if (known !== undefined) return known;
    const opened = this.#openVariant(settings, first);
    this.#variants.set(key, opened);
    opened.catch(() => this.#variants.delete(key));
    return opened;
  }

  async findVariant(id: string): Promise<Variant | undefined> {
    const settled = await Promise.allSettled(this.#variants.values());
    return settled
      .filter((entry) => entry.status === 'fulfilled')
      .map(({ value }) => value)
      .find((variant) => variant.id === id);
  }

  describePlaying(variant: Variant): Playing {
    const rung = variant.rungs[variant.ladder.current];
    const { frameRate } = variant.planOf(0).plan;
    return {
      model: rung?.model ?? '',
      chroma: rung?.chroma ?? 'auto',
      halfRate: rung?.halfRate ?? false,
      ...variant.pictures.upscaled,
      speed: variant.ladder.speedOf(variant.ladder.current),
      droppedRate: rung?.halfRate === true && frameRate !== null ? toNumber(frameRate) / 2 : 0,
    };
  }

  /** Stops all work, ends the lanes, and removes what was kept on disk. */
  async close(): Promise<void> {
    this.#ends.abort();
    await Promise.allSettled(this.#variants.values());
    await Promise.all([this.workbench.close(), this.sound?.close()]);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #openVariant(settings: Settings, first: number): Promise<Variant> {
    const isFirst = this.#variants.size === 0;
    const variant = await this.#openAtSize(settings, this.#sizeShare);
    await this.#calibrate(variant, first);
    if (!isFirst || !this.#isSizeFree() || variant.rungs[variant.ladder.current]?.halfRate !== true)
      return variant;
    // A smaller picture is better than every other one. Work grows with its area.
    const speed = variant.ladder.speedOf(variant.ladder.current - 1) ?? 1;
    this.#sizeShare = Math.max(LEAST_SIZE_SHARE, Math.sqrt(speed / RESERVE));
    const smaller = await this.#openAtSize(settings, this.#sizeShare);
    await this.#calibrate(smaller, first);
    return smaller;
  }

  async #openAtSize(settings: Settings, share: number): Promise<Variant> {
    const { upscale, logger } = this.#options;
    return Variant.open({
      input: this.input,
      source: this.source,
      upscale: {
        ...upscale,
        ...this.#chooseSize(share),
        temporal: settings.temporal,
        deinterlace: settings.deinterlace,
      },
      rungs: this.#rungsOf(settings),
      lanes: this.#lanes,
      frameTimes: this.#frameTimes,
      logger,
    });
  }

  /** Only automatic choices may be changed on the way. */
  #rungsOf(settings: Settings): readonly Rung[] {
    const { model, chroma } = settings;
    if (model !== AUTO_MODEL) return [{ model, chroma, halfRate: false }];
    return listRungs(
      this.models
        .filter(({ manifest }) => !manifest.onlyByName)
        .map(({ id, facts }) => ({ id, flopsPerSample: facts.flopsPerSample })),
      chroma,
    );
  }

  #isSizeFree(): boolean {
    const { scale, to, model } = this.#options.upscale;
    return scale === undefined && to === undefined && model === undefined;
  }

  #chooseSize(share: number): Pick<UpscaleOptions, 'scale' | 'to'> {
    const { scale, to } = this.#options.upscale;
    if (scale !== undefined || to !== undefined) return { scale, to };
    const { displayWidth, displayHeight } = this.source.video;
    const [long, short] = [Math.max(displayWidth, displayHeight), Math.min(displayWidth, displayHeight)];
    const most = Math.min(LARGEST.width / long, LARGEST.height / short);
    return { scale: Math.max(1.05, Math.min(2, most) * share), to: undefined };
  }

  /**
   * Makes the segment that will be asked for first. Where the model may be chosen it is made by the best that should do, whose speed tells
   * which one does; networks are opened before.
   */
  async #calibrate(variant: Variant, first: number): Promise<void> {
    const { grid, ladder, rungs } = variant;
    if (rungs.length > 1) {
      const frameRate = variant.planOf(0).plan.frameRate;
      const rate = frameRate === null ? 25 : toNumber(frameRate);
      ladder.start(rungs.findIndex((_, i) => this.#lanes / (variant.planOf(i).frameSeconds * rate) >= 1));
      await this.#warmUp(variant);
    }
    // Where nothing can be decoded there, further on there may be something.
    const last = grid.segments.length - 1;
    for (const index of new Set([
      first,
      first + 1,
      first + 3,
      ...[0.1, 0.5].map((share) => Math.floor(last * share)),
    ])) {
      await this.workbench.make(variant, Math.min(index, last), this.#ends.signal);
      if (variant.init !== null) break;
    }
    if (rungs.length > 1 && ladder.speedOf(ladder.current) !== null) ladder.choose();
  }

  /** Runs two frames through each lane. */
  async #warmUp(variant: Variant): Promise<void> {
    const { grid, ladder } = variant;
    const rung = ladder.current;
    const { duration = 1 } = grid.segments[0] ?? {};
    const frames = Math.round(duration / grid.frameSeconds);
    const [piece] = cutPieces(variant.cutOf(rung), grid, 0, Math.ceil(frames / WARMING_FRAMES));
    if (piece === undefined) return;
    const pieces = Array.from({ length: this.#lanes }, (_, index) => ({ ...piece, index }));
    const [warm] = await this.workbench.runPieces(variant.planOf(rung).plan, pieces, this.#ends.signal);
    if (warm === undefined || warm.result.frames === 0) return;
    await variant.setInit(warm.movie, { tools: this.tools, directory: this.directory });
  }
}
