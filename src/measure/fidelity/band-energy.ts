/** Samples of a plane, whatever their depth. */
export type Samples = Uint8Array | Uint16Array;

/** What a plane's spectrum says: sums over blocks, so that frames can be added up. */
export interface BandEnergy {
  /** Mean squares in 8-bit code values, added over blocks: of all detail, and of what lies above the limit. */
  readonly all: number;
  readonly beyond: number;
  readonly blocks: number;
}

export const NO_ENERGY: BandEnergy = { all: 0, beyond: 0, blocks: 0 };

const SIDE = 128;
/** Blocks across and down, at most. */
const GRID = 4;
/** Hann's window; what leaks past its main lobe stays 31 dB below. */
const WINDOW = Float64Array.from(
  { length: SIDE },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / SIDE),
);
const WINDOW_POWER = WINDOW.reduce((sum, w) => sum + w * w, 0) / SIDE;
/** Where bit reversal puts each sample. */
const REVERSED = Uint8Array.from({ length: SIDE }, (_, i) =>
  Array.from({ length: Math.log2(SIDE) }).reduce<number>(
    (bits, __, bit) => (bits << 1) | ((i >> bit) & 1),
    0,
  ),
);
const COSINES = Float64Array.from({ length: SIDE / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / SIDE));
const SINES = Float64Array.from({ length: SIDE / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / SIDE));

/**
 * Measures how much of a plane's detail lies above what a picture of `limit.width` x `limit.height` samples can hold (its Nyquist
 * frequency, across or down), on up to 16 blocks of 128 x 128 that are spread over the plane. The main lobe of the window is allowed for.
 */
export function measureBandEnergy(
  samples: Samples,
  size: { readonly width: number; readonly height: number; readonly bits: number },
  limit: { readonly width: number; readonly height: number },
): BandEnergy {
  const { width, height, bits } = size;
  if (width < SIDE || height < SIDE) return NO_ENERGY;
  const columns = Math.min(GRID, Math.floor(width / SIDE));
  const rows = Math.min(GRID, Math.floor(height / SIDE));
  const mostX = (limit.width / width) * (SIDE / 2) + 2;
  const mostY = (limit.height / height) * (SIDE / 2) + 2;
  const step = 2 ** (bits - 8);
  const re = new Float64Array(SIDE * SIDE);
  const im = new Float64Array(SIDE * SIDE);
  let [all, beyond] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = Math.floor(((width - SIDE) * (column + 0.5)) / columns);
      const y = Math.floor(((height - SIDE) * (row + 0.5)) / rows);
      loadBlock(samples, width, x, y, step, re, im);
      transform(re, im);
      for (let v = 0; v < SIDE; v++) {
        const isHighY = Math.min(v, SIDE - v) > mostY;
        for (let u = 0; u <= SIDE / 2; u++) {
          const i = v * SIDE + u;
          const mirrored = u === 0 || u === SIDE / 2 ? 1 : 2;
          const power = mirrored * ((re[i] ?? 0) ** 2 + (im[i] ?? 0) ** 2);
          all += power;
          if (isHighY || u > mostX) beyond += power;
        }
      }
    }
  }
  // Parseval: mean square of the block, made up for what the window takes.
  const scale = 1 / (SIDE ** 4 * WINDOW_POWER ** 2);
  return { all: all * scale, beyond: beyond * scale, blocks: rows * columns };
}

export function addEnergy(a: BandEnergy, b: BandEnergy): BandEnergy {
  return { all: a.all + b.all, beyond: a.beyond + b.beyond, blocks: a.blocks + b.blocks };
}

/** Puts a block without its mean and under the window into `re`. */
function loadBlock(
  samples: Samples,
  width: number,
  x: number,
  y: number,
  step: number,
  re: Float64Array,
  im: Float64Array,
): void {
  let sum = 0;
  for (let v = 0; v < SIDE; v++) {
    for (let u = 0; u < SIDE; u++) sum += samples[(y + v) * width + x + u] ?? 0;
  }
  const mean = sum / SIDE ** 2;
  for (let v = 0; v < SIDE; v++) {
    for (let u = 0; u < SIDE; u++) {
      const value = ((samples[(y + v) * width + x + u] ?? 0) - mean) / step;
      re[v * SIDE + u] = value * (WINDOW[u] ?? 0) * (WINDOW[v] ?? 0);
    }
  }
  im.fill(0);
}

const LINE = { re: new Float64Array(SIDE), im: new Float64Array(SIDE) };

/** The two-dimensional discrete Fourier transform in place: rows, then columns. */
function transform(re: Float64Array, im: Float64Array): void {
  for (let row = 0; row < SIDE; row++) transformLine(re, im, row * SIDE, 1);
  // Samples are real, so that the other columns mirror these.
  for (let column = 0; column <= SIDE / 2; column++) transformLine(re, im, column, SIDE);
}

/** Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series" (1965), radix 2. */
function transformLine(re: Float64Array, im: Float64Array, start: number, stride: number): void {
  const { re: lineRe, im: lineIm } = LINE;
  for (let i = 0; i < SIDE; i++) {
    const from = start + (REVERSED[i] ?? 0) * stride;
    lineRe[i] = re[from] ?? 0;
    lineIm[i] = im[from] ?? 0;
  }
  for (let length = 2; length <= SIDE; length <<= 1) {
    const half = length >> 1;
    const turn = SIDE / length;
    for (let at = 0; at < SIDE; at += length) {
      for (let k = 0; k < half; k++) {
        const a = at + k;
        const b = a + half;
        // No pairs here: they would be made and thrown away half a thousand times a line.
        const c = COSINES[k * turn] ?? 0;
        const s = SINES[k * turn] ?? 0;
        const x = lineRe[b] ?? 0;
        const y = lineIm[b] ?? 0;
        const p = x * c - y * s;
        const q = x * s + y * c;
        const m = lineRe[a] ?? 0;
        const n = lineIm[a] ?? 0;
        lineRe[b] = m - p;
        lineIm[b] = n - q;
        lineRe[a] = m + p;
        lineIm[a] = n + q;
      }
    }
  }
  for (let i = 0; i < SIDE; i++) {
    re[start + i * stride] = lineRe[i] ?? 0;
    im[start + i * stride] = lineIm[i] ?? 0;
  }
}
