import Hls from 'hls.js';

/** Seconds that are fetched ahead: enough to be steady, few enough that a change of settings is seen soon. */
const AHEAD_SECONDS = 6;
const BEHIND_SECONDS = 15;
/** A segment is made while it is waited for. */
const PATIENCE_MS = 120_000;

export interface PlayerEvents {
  /** A frame is there to be drawn. */
  readonly onFrame: () => void;
  readonly onProblem: (message: string) => void;
}

/** The one video element, fed by hls.js, or by the browser itself where it plays such playlists. */
export class Player {
  readonly video: HTMLVideoElement;
  readonly #events: PlayerEvents;
  #hls: Hls | null = null;
  #frameSeconds = 0.04;
  #duration = 0;

  constructor(video: HTMLVideoElement, events: PlayerEvents) {
    this.video = video;
    this.#events = events;
    this.#follow();
  }

  get duration(): number {
    return this.#duration;
  }

  get frameSeconds(): number {
    return this.#frameSeconds;
  }

  /** Plays `playlist` from where the last one was. */
  load(playlist: string, facts: { readonly frameSeconds: number; readonly duration: number }): void {
    const at = this.video.currentTime;
    const isPlaying = !this.video.paused;
    this.#frameSeconds = facts.frameSeconds;
    this.#duration = facts.duration;
    this.#hls?.destroy();
    this.#hls = null;
    if (!Hls.isSupported()) {
      this.video.src = playlist;
      this.video.addEventListener('loadedmetadata', () => this.seek(at), { once: true });
    } else {
      this.#loadWithHls(playlist, at);
    }
    if (isPlaying) void this.play();
  }

  async play(): Promise<void> {
    if (this.video.ended) this.seek(0);
    // Where sound may not start by itself, the picture does.
    await this.video.play().catch(async () => {
      this.video.muted = true;
      await this.video.play().catch(() => undefined);
    });
  }

  toggle(): void {
    if (this.video.paused) void this.play();
    else this.video.pause();
  }

  seek(seconds: number): void {
    // The middle of a frame, so that rounding cannot show its neighbour.
    const last = Math.max(0, Math.round(this.#duration / this.#frameSeconds) - 1);
    const frame = Math.min(last, Math.max(0, Math.floor(seconds / this.#frameSeconds + 0.001)));
    this.video.currentTime = (frame + 0.5) * this.#frameSeconds;
  }

  step(frames: number): void {
    this.video.pause();
    this.seek(
      (Math.floor(this.video.currentTime / this.#frameSeconds + 0.001) + frames) * this.#frameSeconds,
    );
  }

  #loadWithHls(playlist: string, at: number): void {
    const patience = {
      default: {
        maxTimeToFirstByteMs: PATIENCE_MS,
        maxLoadTimeMs: PATIENCE_MS,
        timeoutRetry: { maxNumRetry: 3, retryDelayMs: 0, maxRetryDelayMs: 0 },
        errorRetry: { maxNumRetry: 4, retryDelayMs: 500, maxRetryDelayMs: 4000 },
      },
    };
    const hls = new Hls({
      // The page's policy allows no worker, and fragments need no work.
      enableWorker: false,
      startPosition: this.#duration === 0 ? -1 : at,
      liveSyncDurationCount: 2,
      liveMaxLatencyDurationCount: 5,
      maxBufferLength: AHEAD_SECONDS,
      maxMaxBufferLength: AHEAD_SECONDS,
      backBufferLength: BEHIND_SECONDS,
      fragLoadPolicy: patience,
    });
    this.#hls = hls;
    let recoveries = 0;
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && recoveries++ < 2) hls.recoverMediaError();
      else this.#events.onProblem(`The stream stopped: ${data.details}.`);
    });
    hls.loadSource(playlist);
    hls.attachMedia(this.video);
  }

  #follow(): void {
    const { video } = this;
    const draw = this.#events.onFrame;
    if ('requestVideoFrameCallback' in video) {
      const next = (): void => {
        draw();
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
      return;
    }
    const next = (): void => {
      draw();
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }
}
