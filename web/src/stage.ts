import type { Pictures } from './api.ts';

export type View = 'split' | 'flip' | 'side' | 'difference';

export interface StageState {
  readonly view: View;
  /** Share of the picture that is the source's. */
  readonly divider: number;
  /** While a key is held: the other picture. */
  readonly isFlipped: boolean;
  /** Screen pixels for each pixel of the upscaled picture; null where there is no loupe. */
  readonly loupe: number | null;
  /** Where the loupe looks, as shares of the picture. */
  readonly loupeAt: { readonly x: number; readonly y: number };
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How much differences are brightened: twice, this many times over. */
const DIFFERENCE_DOUBLINGS = 3;
const LOUPE_SHARE = 0.42;
const GAP = 12;

/**
 * Draws the two pictures of the video's current frame. Both come out of the same frame, so whatever is shown side by side is the same
 * moment.
 */
export class Stage {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #video: HTMLVideoElement;
  #pictures: Pictures | null = null;
  #frame: Rect = { x: 0, y: 0, width: 0, height: 0 };

  constructor(canvas: HTMLCanvasElement, video: HTMLVideoElement) {
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('This browser cannot draw.');
    this.#canvas = canvas;
    this.#context = context;
    this.#video = video;
  }

  set pictures(pictures: Pictures) {
    this.#pictures = pictures;
  }

  /** Where the picture is, in CSS pixels of the canvas. */
  get frame(): Rect {
    const scale = this.#scale();
    const { x, y, width, height } = this.#frame;
    return { x: x / scale, y: y / scale, width: width / scale, height: height / scale };
  }

  /** Draws what the video shows now. Returns whether there was anything. */
  draw(state: StageState): boolean {
    this.#fit();
    const { width, height } = this.#canvas;
    const context = this.#context;
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'high';
    context.fillStyle = '#0b0c0e';
    context.fillRect(0, 0, width, height);
    if (this.#pictures === null || this.#video.readyState < 2) return false;
    const { upscaled } = this.#pictures;
    const aspect = upscaled.width / upscaled.height;
    const whole = { x: 0, y: 0, width, height };
    if (state.view === 'side') {
      this.#drawSideBySide(whole, aspect, state.isFlipped);
    } else {
      this.#frame = fitInto(whole, aspect);
      if (state.view === 'difference' && !state.isFlipped) this.#drawDifference(this.#frame);
      else this.#drawSplit(this.#frame, shareOfSource(state));
    }
    if (state.loupe !== null) this.#drawLoupe(state.loupe, state.loupeAt);
    return true;
  }

  #drawSplit(frame: Rect, share: number): void {
    const border = Math.round(frame.x + frame.width * share);
    this.#drawClipped('original', frame, { ...frame, width: border - frame.x });
    this.#drawClipped('upscaled', frame, { ...frame, x: border, width: frame.x + frame.width - border });
  }

  #drawSideBySide(whole: Rect, aspect: number, isFlipped: boolean): void {
    const isWide = whole.width / whole.height > aspect;
    const half = isWide
      ? { ...whole, width: (whole.width - GAP) / 2 }
      : { ...whole, height: (whole.height - GAP) / 2 };
    const second = isWide ? { ...half, x: half.width + GAP } : { ...half, y: half.height + GAP };
    const [a, b] = isFlipped ? (['upscaled', 'original'] as const) : (['original', 'upscaled'] as const);
    this.#frame = fitInto(half, aspect);
    this.#drawPicture(a, this.#frame);
    this.#drawPicture(b, fitInto(second, aspect));
  }

  #drawDifference(frame: Rect): void {
    const context = this.#context;
    this.#drawPicture('original', frame);
    context.globalCompositeOperation = 'difference';
    this.#drawPicture('upscaled', frame);
    context.globalCompositeOperation = 'lighter';
    const { x, y, width, height } = frame;
    for (let i = 0; i < DIFFERENCE_DOUBLINGS; i++) {
      context.drawImage(this.#canvas, x, y, width, height, x, y, width, height);
    }
    context.globalCompositeOperation = 'source-over';
  }

  #drawClipped(name: 'original' | 'upscaled', frame: Rect, clip: Rect): void {
    if (clip.width <= 0) return;
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(clip.x, clip.y, clip.width, clip.height);
    context.clip();
    this.#drawPicture(name, frame);
    context.restore();
  }

  #drawPicture(name: 'original' | 'upscaled', to: Rect): void {
    const from = this.#sourceOf(name);
    this.#context.drawImage(
      this.#video,
      ...([from.x, from.y, from.width, from.height] as const),
      ...([to.x, to.y, to.width, to.height] as const),
    );
  }

  /** Two windows on the same place, pixel for pixel. */
  #drawLoupe(zoom: number, at: StageState['loupeAt']): void {
    const context = this.#context;
    const { width, height } = this.#canvas;
    const upscaled = this.#sourceOf('upscaled');
    const scale = this.#scale();
    const side = Math.round(Math.min(width * LOUPE_SHARE, height * 0.7, 380 * scale));
    const gap = Math.round(2 * scale);
    const target = this.#frame;
    const center = { x: target.x + at.x * target.width, y: target.y + at.y * target.height };
    const left = clamp(center.x - side - gap / 2, 0, width - 2 * side - gap);
    const top = clamp(center.y - side / 2, 0, height - side);
    context.fillStyle = '#fff';
    context.fillRect(left - gap, top - gap, 2 * side + 3 * gap, side + 2 * gap);
    context.imageSmoothingEnabled = false;
    const span = { x: side / zoom / upscaled.width, y: side / zoom / upscaled.height };
    (['original', 'upscaled'] as const).forEach((name, i) => {
      const from = this.#sourceOf(name);
      const window = { x: left + i * (side + gap), y: top, width: side, height: side };
      context.save();
      context.beginPath();
      context.rect(window.x, window.y, side, side);
      context.clip();
      context.fillStyle = '#0b0c0e';
      context.fillRect(window.x, window.y, side, side);
      // The whole picture is laid so that the place is in the middle; the clip does the rest.
      const whole = { width: side / span.x, height: side / span.y };
      const x = Math.round(window.x + side / 2 - at.x * whole.width);
      const y = Math.round(window.y + side / 2 - at.y * whole.height);
      context.drawImage(
        this.#video,
        ...([from.x, from.y, from.width, from.height] as const),
        ...([x, y, whole.width, whole.height] as const),
      );
      context.restore();
    });
  }

  #sourceOf(name: 'original' | 'upscaled'): Rect {
    const pictures = this.#pictures;
    if (pictures === null) return { x: 0, y: 0, width: 1, height: 1 };
    const { original, upscaled } = pictures;
    const below = upscaled.height + (upscaled.height % 2);
    return name === 'upscaled' ? { x: 0, y: 0, ...upscaled } : { x: 0, y: below, ...original };
  }

  #scale(): number {
    return Math.min(2, window.devicePixelRatio || 1);
  }

  #fit(): void {
    const scale = this.#scale();
    const width = Math.max(1, Math.round(this.#canvas.clientWidth * scale));
    const height = Math.max(1, Math.round(this.#canvas.clientHeight * scale));
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
  }
}

function shareOfSource({ view, divider, isFlipped }: StageState): number {
  if (view === 'flip' || view === 'difference') return isFlipped ? 1 : 0;
  return isFlipped ? 1 - Math.round(divider) : divider;
}

function fitInto(box: Rect, aspect: number): Rect {
  const width = Math.min(box.width, box.height * aspect);
  const height = width / aspect;
  const x = Math.round(box.x + (box.width - width) / 2);
  const y = Math.round(box.y + (box.height - height) / 2);
  return { x, y, width: Math.round(width), height: Math.round(height) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(Math.max(least, most), value));
}
