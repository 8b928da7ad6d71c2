import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { toNumber } from '../core/rational.ts';
import { nameCodec } from './fragment.ts';
import { VIEWS, type View } from './init-segment.ts';
import type { PageFile } from './page-files.ts';
import { writeMasterPlaylist, writeMediaPlaylist } from './playlist.ts';
import type { Preview } from './preview.ts';
import {
  json,
  NOT_FOUND,
  PLAYLIST,
  writeEvent,
  type Reply,
  type RouteRequest,
  type Router,
} from './router.ts';
import { buildRenderArguments, formatCommand, Render } from './render.ts';
import { listChoices, settingsSchema } from './settings.ts';
import { StillMaker } from './stills.ts';
import { THUMBNAILS, Thumbnails } from './thumbnails.ts';
import type { Variant } from './variant.ts';
import type { Viewer } from './viewers.ts';

/** Bits a second that playlists promise to stay below; on one machine it matters to nobody. */
const BANDWIDTH = 60_000_000;
/** Milliseconds between two messages about the pace. */
const STATE_MS = 500;

const stillSchema = z.object({ settings: settingsSchema, seconds: z.number().min(0).max(1e7) });
const watchSchema = z.object({ viewer: z.string().max(64), settings: settingsSchema });
const renderSchema = z.object({ settings: settingsSchema });

/** What the server answers, by path. No path is ever looked up in the file system. */
export class Routes implements Router {
  readonly #preview: Preview;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #thumbnails: Thumbnails;
  readonly #stills: StillMaker;
  readonly #render: Render;
  readonly #streams = new Set<ServerResponse>();

  constructor(preview: Preview, files: ReadonlyMap<string, PageFile>, logger: Logger) {
    this.#preview = preview;
    this.#files = files;
    this.#thumbnails = new Thumbnails(preview.source, preview.tools);
    this.#stills = new StillMaker({ source: preview.source, directory: preview.directory, logger });
    this.#render = new Render(logger, (state) => this.#broadcast('render', state));
  }

  isViewerPath(path: string): boolean {
    return this.#findViewer(path) !== undefined;
  }

  async handle(request: RouteRequest): Promise<Reply | 'handled'> {
    const { method, url } = request;
    if (method === 'POST') return this.#post(url.pathname, request);
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: 'text/plain', body: 'No.\n' };
    const file = this.#files.get(url.pathname);
    if (file !== undefined) return { status: 200, type: file.type, body: file.content };
    switch (url.pathname) {
      case '/stream.m3u8':
        return this.#master('upscaled');
      case '/original.m3u8':
        return this.#master('original');
      case '/api/source':
        return json(this.#describeSource());
      case '/api/events':
        return this.#openEvents(request);
      default:
        return this.#numbered(url.pathname, request);
    }
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.end();
    await Promise.all([this.#thumbnails.close(), this.#stills.close(), this.#render.stop()]);
  }

  async #post(path: string, request: RouteRequest): Promise<Reply> {
    switch (path) {
      case '/api/watch': {
        const { viewer: id, settings } = parse(watchSchema, request.body);
        const viewer = this.#preview.viewers.find(id) ?? this.#preview.viewers.add();
        const variant = await this.#preview.variantOf(settings, viewer.place?.index);
        return json({
          viewer: viewer.id,
          variant: variant.id,
          playlist: `/watch/${viewer.id}/${variant.id}/pair-master.m3u8`,
          pictures: variant.pictures,
          frameSeconds: variant.grid.frameSeconds,
          duration: variant.grid.duration,
          playing: this.#preview.describePlaying(variant),
        });
      }
      case '/api/still': {
        const { settings, seconds } = parse(stillSchema, request.body);
        const variant = await this.#preview.variantOf(settings);
        const upscale = this.#preview.upscaleOf(settings, variant);
        const { id, seconds: found } = await this.#stills.take(upscale, seconds);
        return json({
          seconds: found,
          upscaled: `/still/${id}/upscaled.png`,
          original: `/still/${id}/original.png`,
        });
      }
      case '/api/command':
        return json({ command: formatCommand(this.#renderArguments(request.body)) });
      case '/api/render':
        this.#render.start(this.#renderArguments(request.body));
        return json(this.#render.state);
      case '/api/render/stop':
        await this.#render.stop();
        return json(this.#render.state);
      default:
        return NOT_FOUND;
    }
  }

  /** Paths with numbers and ids in them. */
  async #numbered(path: string, request: RouteRequest): Promise<Reply> {
    const thumbnail = /^\/thumbnail\/(\d{1,2})\.jpg$/.exec(path);
    if (thumbnail !== null && Number(thumbnail[1]) < THUMBNAILS) {
      const body = await this.#thumbnails.take(Number(thumbnail[1]));
      return { status: 200, type: 'image/jpeg', body, cache: true };
    }
    const still = /^\/still\/([\w-]+)\/(upscaled|original)\.png$/.exec(path);
    const pair = still === null ? undefined : this.#stills.find(still[1] ?? '');
    if (pair !== undefined) {
      return {
        status: 200,
        type: 'image/png',
        body: still?.[2] === 'upscaled' ? pair.upscaled : pair.original,
      };
    }
    const watched = /^\/watch\/[\w-]+\/([0-9a-f]{16})\/([\w.-]+)$/.exec(path);
    const viewer = this.#findViewer(path);
    const variant = watched === null ? undefined : await this.#preview.findVariant(watched[1] ?? '');
    if (viewer === undefined || variant === undefined) return NOT_FOUND;
    viewer.touch();
    return this.#watched(viewer, variant, watched?.[2] ?? '', request.signal);
  }

  async #watched(viewer: Viewer, variant: Variant, name: string, signal: AbortSignal): Promise<Reply> {
    const { sound, workbench } = this.#preview;
    const segment = /^(\d{1,7})\.m4s$/.exec(name);
    if (segment !== null && Number(segment[1]) < variant.grid.segments.length) {
      const body = await workbench.take(viewer, variant, Number(segment[1]), signal);
      return { status: 200, type: 'video/mp4', body };
    }
    const piece = /^sound-(\d{1,6})\.m4s$/.exec(name);
    if (sound !== null && piece !== null && Number(piece[1]) < sound.count) {
      return { status: 200, type: 'audio/mp4', body: (await sound.take(Number(piece[1]))).fragments };
    }
    if (sound !== null && name === 'sound.mp4') {
      return { status: 200, type: 'audio/mp4', body: (await sound.take(0)).init };
    }
    if (sound !== null && name === 'sound.m3u8') {
      const entries = sound.list((index) => `sound-${index}.m4s`);
      return { status: 200, type: PLAYLIST, body: writeMediaPlaylist('sound.mp4', entries) };
    }
    for (const view of VIEWS) {
      if (name === `${view}-master.m3u8`) {
        return { status: 200, type: PLAYLIST, body: this.#writeMaster(variant, view, '') };
      }
      if (name === `${view}.m3u8`) {
        const entries = variant.grid.segments.map(({ index, duration }) => ({
          uri: `${index}.m4s`,
          duration,
        }));
        return { status: 200, type: PLAYLIST, body: writeMediaPlaylist(`${view}.mp4`, entries) };
      }
      if (name === `${view}.mp4` && variant.init !== null) {
        return { status: 200, type: 'video/mp4', body: variant.init.views[view] };
      }
    }
    return NOT_FOUND;
  }

  /** For players that know nothing of settings. */
  async #master(view: View): Promise<Reply> {
    const variant = await this.#preview.variantOf(this.#preview.defaults);
    const viewer = this.#preview.viewers.add();
    const body = this.#writeMaster(variant, view, `/watch/${viewer.id}/${variant.id}/`);
    return { status: 200, type: PLAYLIST, body };
  }

  #writeMaster(variant: Variant, view: View, base: string): string {
    const { init, pictures } = variant;
    if (init === null)
      throw new UpscaleError('SOURCE_DAMAGED', 'Not a single frame of this source could be made.');
    const size = view === 'pair' ? pictures.stacked : pictures[view];
    return writeMasterPlaylist({
      video: `${base}${view}.m3u8`,
      audio: this.#preview.sound === null ? null : `${base}sound.m3u8`,
      width: size.width,
      height: size.height,
      frameRate: 1 / variant.grid.frameSeconds,
      codec: nameCodec(init.configuration),
      bandwidth: BANDWIDTH,
    });
  }

  #describeSource(): object {
    const { source, modelChoices, models, defaults, sound } = this.#preview;
    const { video } = source;
    return {
      name: this.#preview.name,
      width: video.width,
      height: video.height,
      displayWidth: video.displayWidth,
      displayHeight: video.displayHeight,
      frameRate: video.frameRate === null ? null : toNumber(video.frameRate),
      codec: video.codec,
      fields: video.fields.found,
      hasSound: sound !== null,
      thumbnails: THUMBNAILS,
      models: modelChoices.map((id) => ({
        id,
        description: models.find((model) => model.id === id)?.description ?? '',
      })),
      choices: listChoices(),
      defaults,
      render: this.#render.state,
    };
  }

  #renderArguments(body: unknown): string[] {
    const { settings } = parse(renderSchema, body);
    return buildRenderArguments(this.#preview.input, settings, this.#preview.askedSize);
  }

  /** Server-sent events: the pace of the variant that is watched, and the render. The viewer is gone when they end. */
  #openEvents({ url, response }: RouteRequest): Reply | 'handled' {
    const viewer = this.#preview.viewers.find(url.searchParams.get('viewer') ?? '');
    if (viewer === undefined) return NOT_FOUND;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    this.#streams.add(response);
    const sendState = (): void => {
      const variant = viewer.place?.variant;
      if (variant === undefined) return;
      const { active } = this.#preview.viewers;
      const { counts } = this.#preview.workbench;
      writeEvent(response, 'playing', {
        ...this.#preview.describePlaying(variant),
        viewers: active,
        ...counts,
      });
    };
    writeEvent(response, 'render', this.#render.state);
    const timer = setInterval(sendState, STATE_MS);
    response.on('close', () => {
      clearInterval(timer);
      this.#streams.delete(response);
      viewer.leave();
      this.#preview.workbench.reconcile();
    });
    return 'handled';
  }

  #broadcast(event: string, data: unknown): void {
    for (const stream of this.#streams) writeEvent(stream, event, data);
  }

  #findViewer(path: string): Viewer | undefined {
    const id = /^\/watch\/([\w-]+)\//.exec(path)?.[1];
    return id === undefined ? undefined : this.#preview.viewers.find(id);
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new UpscaleError('USAGE', 'The request makes no sense.', { hint: z.prettifyError(parsed.error) });
}
