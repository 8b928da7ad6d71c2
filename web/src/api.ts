/** What the page chose; the server's `settingsSchema` says what is allowed. */
export interface Settings {
  readonly model: string;
  readonly temporal: string;
  readonly deinterlace: string;
  readonly chroma: string;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where the pictures lie in a frame of the stream: the upscaled one at the top left, the source's below it. */
export interface Pictures {
  readonly stacked: Size;
  readonly upscaled: Size;
  readonly original: Size;
}

export interface Playing extends Size {
  readonly model: string;
  readonly chroma: string;
  readonly halfRate: boolean;
  readonly speed: number | null;
  readonly droppedRate: number;
  /** Of a live source: frames in all, those left out, seconds behind it, and whether it has sound, which shows once it is read. */
  readonly live?: {
    readonly frames: number;
    readonly dropped: number;
    readonly lag: number;
    readonly hasSound: boolean;
  };
}

export interface RenderState {
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'stopped';
  readonly share: number;
  readonly fps: number;
  readonly etaSeconds: number | null;
  readonly stage: string;
  readonly message: string;
}

export interface SourceFacts {
  readonly name: string;
  readonly isLive?: boolean;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number | null;
  readonly hasSound: boolean;
  readonly thumbnails: number;
  readonly models: readonly { readonly id: string; readonly description: string }[];
  readonly choices: Readonly<Record<'temporal' | 'deinterlace' | 'chroma', readonly string[]>>;
  readonly defaults: Settings;
  readonly render: RenderState;
}

export interface Watch {
  readonly viewer: string;
  readonly playlist: string;
  readonly pictures: Pictures;
  readonly frameSeconds: number;
  readonly duration: number;
  readonly playing: Playing;
}

export interface StillPair {
  readonly seconds: number;
  readonly upscaled: string;
  readonly original: string;
}

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const response = await fetch(
    path,
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) },
  );
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => null)) as { message?: string; hint?: string } | null;
  throw new Error(
    [problem?.message ?? `The server answered ${String(response.status)}.`, problem?.hint ?? '']
      .join(' ')
      .trim(),
  );
}

export const readSource = (): Promise<SourceFacts> => ask('/api/source');
export const watch = (viewer: string, settings: Settings): Promise<Watch> =>
  ask('/api/watch', { viewer, settings });
export const takeStill = (settings: Settings, seconds: number): Promise<StillPair> =>
  ask('/api/still', { settings, seconds });
export const readCommand = (settings: Settings): Promise<{ command: string }> =>
  ask('/api/command', { settings });
export const startRender = (settings: Settings): Promise<RenderState> => ask('/api/render', { settings });
export const stopRender = (): Promise<RenderState> => ask('/api/render/stop', {});

/** Listens to the server; it forgets the viewer when this connection ends. */
export function listen(
  viewer: string,
  on: {
    playing: (playing: Playing) => void;
    render: (state: RenderState) => void;
    lost: (isLost: boolean) => void;
  },
): void {
  const events = new EventSource(`/api/events?viewer=${encodeURIComponent(viewer)}`);
  const read = (event: Event): unknown => JSON.parse((event as MessageEvent<string>).data);
  events.addEventListener('playing', (event) => on.playing(read(event) as Playing));
  events.addEventListener('render', (event) => on.render(read(event) as RenderState));
  events.addEventListener('open', () => on.lost(false));
  events.addEventListener('error', () => on.lost(true));
}
