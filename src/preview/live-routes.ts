import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { VIEWS } from './init-segment.ts';
import type { LivePreview } from './live-preview.ts';
import type { PageFile } from './page-files.ts';
import {
  json,
  NOT_FOUND,
  PLAYLIST,
  writeEvent,
  type Reply,
  type RouteRequest,
  type Router,
} from './router.ts';
import { listChoices } from './settings.ts';

const STATE_MS = 500;

/** What the server answers while it shows a live source. */
export class LiveRoutes implements Router {
  readonly #preview: LivePreview;
  readonly #files: ReadonlyMap<string, PageFile>;
  /** Stands for the right to watch in addresses that players make themselves. */
  readonly #key = randomBytes(18).toString('base64url');
  readonly #streams = new Set<ServerResponse>();

  constructor(preview: LivePreview, files: ReadonlyMap<string, PageFile>) {
    this.#preview = preview;
    this.#files = files;
  }

  isViewerPath(path: string): boolean {
    return path.startsWith(`/watch/${this.#key}/`);
  }

  async handle({ method, url, signal, response }: RouteRequest): Promise<Reply | 'handled'> {
    const path = url.pathname;
    if (method === 'POST') return path === '/api/watch' ? this.#watch(signal) : NOT_FOUND;
    if (method !== 'GET' && method !== 'HEAD') return NOT_FOUND;
    const file = this.#files.get(path);
    if (file !== undefined) return { status: 200, type: file.type, body: file.content };
    if (path === '/api/source') return json(this.#describeSource());
    if (path === '/api/events') return this.#openEvents(response);
    if (path === '/stream.m3u8' || path === '/original.m3u8') {
      const view = path === '/stream.m3u8' ? 'upscaled' : 'original';
      response.setHeader('Location', `/watch/${this.#key}/${view}.m3u8`);
      return { status: 302, type: 'text/plain', body: '' };
    }
    return this.isViewerPath(path)
      ? this.#watched(path.slice(`/watch/${this.#key}/`.length), signal)
      : NOT_FOUND;
  }

  close(): Promise<void> {
    for (const stream of this.#streams) stream.end();
    return Promise.resolve();
  }

  async #watch(signal: AbortSignal): Promise<Reply> {
    const { pictures } = await this.#preview.watch(signal);
    return json({
      viewer: 'live',
      playlist: `/watch/${this.#key}/pair.m3u8`,
      pictures,
      frameSeconds: 1 / 25,
      duration: 0,
      playing: this.#describePlaying(),
    });
  }

  async #watched(name: string, signal: AbortSignal): Promise<Reply> {
    for (const view of VIEWS) {
      if (name === `${view}.m3u8`) {
        return { status: 200, type: PLAYLIST, body: await this.#preview.readPlaylist(view, signal) };
      }
      if (name === `${view}.mp4`) {
        return { status: 200, type: 'video/mp4', body: await this.#preview.readInit(view, signal) };
      }
    }
    const body = await this.#preview.readSegment(name);
    return body === null ? NOT_FOUND : { status: 200, type: 'video/mp4', body };
  }

  #describePlaying(): object {
    const { state } = this.#preview;
    if (state === null) return {};
    const { model, width, height, frames, dropped, lag, hasSound } = state;
    return {
      model,
      chroma: 'filter',
      halfRate: false,
      width,
      height,
      speed: null,
      droppedRate: 0,
      live: { frames, dropped, lag, hasSound },
    };
  }

  #describeSource(): object {
    const settings = { model: 'auto', temporal: 'off', deinterlace: 'auto', chroma: 'filter' };
    return {
      name: this.#preview.source === '-' ? 'Standard input' : this.#preview.source,
      isLive: true,
      hasSound: false,
      thumbnails: 0,
      models: [{ id: 'auto', description: '' }],
      choices: listChoices(),
      defaults: settings,
      render: { state: 'idle', share: 0, fps: 0, etaSeconds: null, stage: '', message: '' },
    };
  }

  #openEvents(response: ServerResponse): 'handled' {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    this.#streams.add(response);
    const timer = setInterval(() => writeEvent(response, 'playing', this.#describePlaying()), STATE_MS);
    response.on('close', () => {
      clearInterval(timer);
      this.#streams.delete(response);
    });
    return 'handled';
  }
}
