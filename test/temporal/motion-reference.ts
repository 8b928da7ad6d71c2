/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is in range by construction */

/** A level of a pyramid: bytes with a border of 16 repeated samples. */
export interface Level {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  /** Index of the first sample. */
  readonly origin: number;
  readonly bytes: Uint8Array;
}

export type Vector = [x: number, y: number];

export interface Blocks {
  readonly step: number;
  readonly columns: number;
  readonly rows: number;
}

export const PAD = 16;
const WINDOW = 8;

/** What the `halvePlane` kernel must write, border included. */
export function halveReference(
  source: ArrayLike<number>,
  sourceWidth: number,
  width: number,
  height: number,
  shift: number,
): Level {
  const stride = Math.ceil((width + 2 * PAD) / 16) * 16;
  const bytes = new Uint8Array(stride * (height + 2 * PAD));
  const mean = (x: number, y: number): number => {
    const at = 2 * y * sourceWidth + 2 * x;
    const sum = source[at]! + source[at + 1]! + source[at + sourceWidth]! + source[at + sourceWidth + 1]!;
    return Math.min(255, (sum + 2 ** (shift + 1)) >> (shift + 2));
  };
  for (let y = -PAD; y < height + PAD; y++) {
    for (let x = -PAD; x < width + PAD; x++) {
      bytes[(y + PAD) * stride + PAD + x] = mean(clamp(x, 0, width - 1), clamp(y, 0, height - 1));
    }
  }
  return { width, height, stride, origin: PAD * stride + PAD, bytes };
}

/** What the `searchBlocks` kernel must find. */
export function searchReference(
  current: Level,
  reference: Level,
  { step, columns, rows }: Blocks,
  parents: { readonly vectors: readonly Vector[]; readonly columns: number; readonly rows: number } | null,
  range: number,
  smoothness: number,
): Vector[] {
  const vectors: Vector[] = [];
  const inset = (WINDOW - step) / 2;
  const parentStep = 16 / step;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [column * step - inset, row * step - inset];
      const left = column > 0 ? vectors.at(-1)! : ([0, 0] as Vector);
      const above = row > 0 ? vectors[(row - 1) * columns + column]! : left;
      let predicted: Vector = [0, 0];
      const candidates: Vector[] = [];
      if (parents === null) {
        for (let dy = -range; dy <= range; dy++) {
          for (let dx = -range; dx <= range; dx++) candidates.push([dx, dy]);
        }
      } else {
        const parent = (toX: number, toY: number): Vector => {
          const [px, py] = parents.vectors[toY * parents.columns + toX]!;
          return [2 * px, 2 * py];
        };
        const px = Math.min(Math.floor(column / parentStep), parents.columns - 1);
        const py = Math.min(Math.floor(row / parentStep), parents.rows - 1);
        const beside = (at: number): number => (Math.floor((2 * at) / parentStep) % 2 === 1 ? 1 : -1);
        const own = parent(px, py);
        predicted = [findMedian(own[0], left[0], above[0]), findMedian(own[1], left[1], above[1])];
        candidates.push(
          [0, 0],
          own,
          parent(clamp(px + beside(column), 0, parents.columns - 1), py),
          parent(px, clamp(py + beside(row), 0, parents.rows - 1)),
        );
      }
      if (column > 0) candidates.push(left);
      if (row > 0) candidates.push(above);
      let best = Infinity;
      let found: Vector = [0, 0];
      const attempt = ([toX, toY]: Vector): boolean => {
        const vx = clamp(toX, 1 - PAD - x, current.width + PAD - WINDOW - 2 - x);
        const vy = clamp(toY, 1 - PAD - y, current.height + PAD - WINDOW - 2 - y);
        const rough = Math.abs(vx - predicted[0]) + Math.abs(vy - predicted[1]);
        const cost = compare(current, reference, x, y, vx, vy) + smoothness * rough;
        if (cost >= best) return false;
        best = cost;
        // Adding 0 makes 0 of -0.
        found = [vx + 0, vy + 0];
        return true;
      };
      candidates.forEach(attempt);
      for (let walk = 0; walk < (step === 8 ? 3 : 0); walk++) {
        const [fx, fy] = found;
        const tries: Vector[] = [
          [fx - 1, fy],
          [fx + 1, fy],
          [fx, fy - 1],
          [fx, fy + 1],
        ];
        if (!tries.map(attempt).includes(true)) break;
      }
      vectors.push(found);
    }
  }
  return vectors;
}

/** What the `refineVectors` kernel must make of vectors in samples: sixteenths. */
export function refineReference(
  current: Level,
  reference: Level,
  { step, columns, rows }: Blocks,
  found: readonly Vector[],
  prior: number,
  rounds: number,
): Vector[] {
  const vectors: Vector[] = [];
  const inset = (WINDOW - step) / 2;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [column * step - inset, row * step - inset];
      const [startX, startY] = found[row * columns + column]!;
      let v: Vector = [16 * startX, 16 * startY];
      const left = column > 0 ? vectors.at(-1)! : v;
      const above = row > 0 ? vectors[(row - 1) * columns + column]! : v;
      const held = [0, 1].map((i) => (v[i]! + left[i]! + above[i]!) / 48) as Vector;
      for (let round = 0; round < rounds; round++) {
        const next = stepByGradient(current, reference, x, y, v, held, prior);
        if (next[0] === v[0] && next[1] === v[1]) break;
        v = next;
      }
      vectors.push(v);
    }
  }
  return vectors;
}

function stepByGradient(
  current: Level,
  reference: Level,
  x: number,
  y: number,
  [vx, vy]: Vector,
  [heldX, heldY]: Vector,
  prior: number,
): Vector {
  const [fx, fy] = [vx & 15, vy & 15];
  let [xx, xy, yy, xr, yr] = [0, 0, 0, 0, 0];
  for (let j = y; j < y + WINDOW; j++) {
    for (let i = x; i < x + WINDOW; i++) {
      const [rx, ry] = [i + (vx >> 4), j + (vy >> 4)];
      const moved =
        (read(reference, rx, ry) * (16 - fx) * (16 - fy) +
          read(reference, rx + 1, ry) * fx * (16 - fy) +
          read(reference, rx, ry + 1) * (16 - fx) * fy +
          read(reference, rx + 1, ry + 1) * fx * fy) >>
        4;
      const gx = read(current, i + 1, j) - read(current, i - 1, j);
      const gy = read(current, i, j + 1) - read(current, i, j - 1);
      const rest = moved - 16 * read(current, i, j);
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
      xr += gx * rest;
      yr += gy * rest;
    }
  }
  const [fromX, fromY] = [vx / 16, vy / 16];
  const [a, b, c] = [xx / 4 + prior, xy / 4, yy / 4 + prior];
  const s = xr / 32 + prior * (fromX - heldX);
  const t = yr / 32 + prior * (fromY - heldY);
  const determinant = a * c - b * b;
  const toX = fromX + clamp((b * t - c * s) / determinant, -1, 1);
  const toY = fromY + clamp((b * s - a * t) / determinant, -1, 1);
  return [
    Math.floor(clamp(toX, -14 - x, current.width + 6 - x) * 16 + 0.5),
    Math.floor(clamp(toY, -14 - y, current.height + 6 - y) * 16 + 0.5),
  ];
}

/** What the `checkVectors` kernel must write. */
export function checkReference(
  { step, columns, rows }: Blocks,
  vectors: readonly Vector[],
  back: readonly Vector[],
  near: number,
  far: number,
): number[] {
  const slope = Math.floor(32767 / (far - near));
  return vectors.map(([vx, vy], index) => {
    const there = (at: number, v: number, count: number): number =>
      clamp(Math.trunc((at * step * 16 + step * 8 + v) / (step * 16)), 0, count - 1);
    const row = there(Math.floor(index / columns), vy, rows);
    const column = there(index % columns, vx, columns);
    const [bx, by] = back[row * columns + column]!;
    const error = Math.max(Math.abs(vx + bx), Math.abs(vy + by));
    return clamp(far - error, 0, far - near) * slope;
  });
}

/** What the `measureMatch` kernel must sum up: what motion leaves of the picture, and the picture. */
export function matchReference(
  current: Level,
  reference: Level,
  { columns, rows }: Blocks,
  vectors: readonly Vector[],
): [left: number, whole: number] {
  let [left, whole] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [vx, vy] = vectors[row * columns + column]!;
      const samples: number[] = [];
      const rests: number[] = [];
      for (let y = 8 * row; y < 8 * row + 8; y++) {
        for (let x = 8 * column; x < 8 * column + 8; x++) {
          samples.push(read(current, x, y));
          rests.push(read(current, x, y) - read(reference, x + vx, y + vy));
        }
      }
      left += measureSpread(rests);
      whole += measureSpread(samples);
    }
  }
  return [left, whole];
}

function measureSpread(values: readonly number[]): number {
  const mean = (values.reduce((a, b) => a + b) + 32) >> 6;
  return values.reduce((sum, value) => sum + Math.abs(value - mean), 0);
}

function compare(a: Level, b: Level, x: number, y: number, vx: number, vy: number): number {
  let sum = 0;
  for (let j = y; j < y + WINDOW; j++) {
    for (let i = x; i < x + WINDOW; i++) sum += Math.abs(read(a, i, j) - read(b, i + vx, j + vy));
  }
  return sum;
}

function read(level: Level, x: number, y: number): number {
  return level.bytes[level.origin + y * level.stride + x]!;
}

function findMedian(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
