import {
  addShift,
  addSums,
  averageCells,
  computePsnr,
  fitLevels,
  NO_SHIFT_SUMS,
  NO_SUMS,
  solveShift,
  sumPlanes,
  sumSquaredDifferences,
  sumTurned,
  type Orientation,
} from './picture-metrics.ts';

/** The source's frame that an output frame was made from, with its neighbours in time. */
export interface SourceFrames {
  readonly previous: Uint8Array | null;
  readonly current: Uint8Array;
  readonly next: Uint8Array | null;
}

/** How alike two runs of pictures are. */
export interface PictureSummary {
  readonly frames: number;
  /** PSNR of luma over all frames, dB. */
  readonly luma: number;
  readonly chroma: number;
  readonly worst: { readonly frame: number; readonly luma: number };
  /** Output frames that are clearly more like the source's frame before or after. */
  readonly misplaced: readonly number[];
  /** How the output lies over the source best. */
  readonly orientation: Orientation;
  /** Luma of the output against the source's; null for pictures too flat to tell. */
  readonly levels: { readonly gain: number; readonly difference: number } | null;
  /** The same of chroma: the one of the two planes that is further off. */
  readonly chromaLevels: { readonly gain: number; readonly difference: number } | null;
  /** By how many samples the output lies to the right and below. */
  readonly shift: { readonly x: number; readonly y: number } | null;
}

/** A frame that is more like its neighbour by this many dB stands in the wrong place. */
const CLEARLY_DB = 2.5;
/** Above this a frame is as good as equal, and its neighbours tell nothing. */
const EQUAL_DB = 48;
/** Smallest spread of samples that tells a gain from noise. */
const TELLING_DEVIATION = { luma: 12, chroma: 6 };
const TURNS: readonly Orientation[] = ['mirrored', 'upside down', 'turned by 180 degrees'];

/** Compares an output's pictures with the source's, both `yuv444p` of one size, frame by frame as they come. */
export class PictureComparison {
  readonly #width: number;
  readonly #height: number;
  /** Every how many frames orientation and position are looked at too. */
  readonly #stride: number;
  #frames = 0;
  readonly #squares = { luma: 0, chroma: 0 };
  /** Of cells: noise that only the source has would look like a gain. */
  readonly #levels = [NO_SUMS, NO_SUMS, NO_SUMS];
  #worst = { frame: 0, luma: Infinity };
  readonly #misplaced: number[] = [];
  #shift = NO_SHIFT_SUMS;
  readonly #turned = new Map<Orientation, number>();
  #upright = 0;

  constructor(width: number, height: number, stride: number) {
    this.#width = width;
    this.#height = height;
    this.#stride = Math.max(1, stride);
  }

  /** `frame` is the output frame's number, for the account. */
  add(frame: number, output: Uint8Array, source: SourceFrames): void {
    const samples = this.#width * this.#height;
    const squares = sumSquaredDifferences(source.current, output, 0, samples);
    this.#squares.luma += squares;
    this.#squares.chroma += sumSquaredDifferences(source.current, output, samples, 2 * samples);
    const luma = computePsnr(squares, samples);
    if (luma < this.#worst.luma) this.#worst = { frame, luma };
    if (luma < EQUAL_DB && this.#isMisplaced(luma, output, source)) this.#misplaced.push(frame);
    if (this.#frames % this.#stride === 0) this.#look(output, source.current, squares);
    this.#frames++;
  }

  #isMisplaced(luma: number, output: Uint8Array, { previous, next }: SourceFrames): boolean {
    const samples = this.#width * this.#height;
    return [previous, next].some(
      (other) =>
        other !== null &&
        computePsnr(sumSquaredDifferences(other, output, 0, samples), samples) > luma + CLEARLY_DB,
    );
  }

  #look(output: Uint8Array, source: Uint8Array, upright: number): void {
    const [width, height] = [this.#width, this.#height];
    this.#shift = addShift(this.#shift, source, output, width, height);
    this.#upright += upright;
    for (const plane of [0, 1, 2]) {
      const at = plane * width * height;
      const [was, is] = [averageCells(source, at, width, height), averageCells(output, at, width, height)];
      this.#levels[plane] = addSums(this.#levels[plane] ?? NO_SUMS, sumPlanes(was, is));
    }
    for (const turn of TURNS) {
      this.#turned.set(turn, (this.#turned.get(turn) ?? 0) + sumTurned(source, output, width, height, turn));
    }
  }

  /** Sums up; null when no frame was compared. */
  finish(): PictureSummary | null {
    if (this.#frames === 0) return null;
    const samples = this.#frames * this.#width * this.#height;
    const best = [...this.#turned].reduce<[Orientation, number]>(
      (a, b) => (b[1] < a[1] ? b : a),
      ['upright', this.#upright],
    );
    const [ofLuma = NO_SUMS, ...ofChroma] = this.#levels;
    const chroma = ofChroma.map(fitLevels).filter(({ deviation }) => deviation >= TELLING_DEVIATION.chroma);
    const levels = fitLevels(ofLuma);
    return {
      frames: this.#frames,
      luma: computePsnr(this.#squares.luma, samples),
      chroma: computePsnr(this.#squares.chroma, 2 * samples),
      worst: this.#worst,
      misplaced: this.#misplaced,
      orientation: best[1] < 0.7 * this.#upright ? best[0] : 'upright',
      levels: levels.deviation >= TELLING_DEVIATION.luma ? levels : null,
      chromaLevels:
        chroma.length === 0
          ? null
          : chroma.reduce((a, b) => (Math.abs(b.gain - 1) > Math.abs(a.gain - 1) ? b : a)),
      shift: solveShift(this.#shift),
    };
  }
}
