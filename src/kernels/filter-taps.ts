/** How samples between the source's samples are made. */
export type ResampleFilterName = 'nearest' | 'bilinear' | 'bicubic' | 'lanczos';

/** Where output sample `j` lies on the source's grid: `j * scale + offset`, 0 being the centre of the first source sample. */
export interface AxisMapping {
  readonly scale: number;
  readonly offset: number;
}

/** Weights of one axis: output `j` is the sum over `k < taps` of source `starts[j] + k` times `coefficients[j * taps + k]`. */
export interface FilterTaps {
  readonly taps: number;
  /** May point outside of the source; edge samples are repeated there. */
  readonly starts: Int32Array;
  /** Sum to 1 for each output. */
  readonly coefficients: Float64Array;
}

interface FilterShape {
  readonly radius: number;
  weigh(x: number): number;
}

const SHAPES: Record<Exclude<ResampleFilterName, 'nearest'>, FilterShape> = {
  bilinear: { radius: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys, "Cubic convolution interpolation for digital image processing" (1981), a = -0.5: the one of the family that
  // reproduces quadratics and so has the least error on smooth ground; -0.6 and beyond ring more at edges.
  bicubic: {
    radius: 2,
    weigh: (x) => {
      const t = Math.abs(x);
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
    },
  },
  // Duchon, "Lanczos filtering in one and two dimensions" (1979), three lobes.
  lanczos: { radius: 3, weigh: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The mapping under which two pictures of `from` and `to` samples cover the same ground. */
function centreAxis(from: number, to: number): AxisMapping {
  const scale = from / to;
  return { scale, offset: 0.5 * scale - 0.5 };
}

/**
 * Computes the weights of one axis. When the axis shrinks (`scale > 1`) the filter is widened by as much, which keeps out
 * aliases; `nearest` takes one sample in any case.
 */
export function buildFilterTaps(
  filter: ResampleFilterName,
  from: number,
  to: number,
  mapping: AxisMapping = centreAxis(from, to),
): FilterTaps {
  const { scale, offset } = mapping;
  const starts = new Int32Array(to);
  if (filter === 'nearest') {
    // Ties go to the left sample, whichever way floating point leans.
    for (let j = 0; j < to; j++) starts[j] = clampStart(Math.ceil(j * scale + offset - 0.5 - 1e-9), 1, from);
    return { taps: 1, starts, coefficients: new Float64Array(to).fill(1) };
  }
  const shape = SHAPES[filter];
  const stretch = Math.max(1, scale);
  const reach = shape.radius * stretch;
  const taps = Math.ceil(2 * reach - 1e-9);
  const coefficients = new Float64Array(to * taps);
  for (let j = 0; j < to; j++) {
    const centre = snapToGrid(j * scale + offset);
    const start = Math.floor(centre - reach) + 1;
    let sum = 0;
    for (let k = 0; k < taps; k++) {
      const weight = shape.weigh((start + k - centre) / stretch);
      coefficients[j * taps + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < taps; k++) coefficients[j * taps + k] = (coefficients[j * taps + k] ?? 0) / sum;
    starts[j] = clampStart(start, taps, from);
  }
  return trimTaps({ taps, starts, coefficients });
}

/** Takes rounding noise off positions that are meant to be whole samples, so that these stay exact copies. */
function snapToGrid(position: number): number {
  const whole = Math.round(position);
  return Math.abs(position - whole) < 1e-9 ? whole : position;
}

/** A window that lies wholly outside sees the edge sample alone, wherever it stands. */
function clampStart(start: number, taps: number, from: number): number {
  return Math.min(Math.max(start, -taps), from);
}

/** Drops taps at both ends that no output uses. */
function trimTaps(full: FilterTaps): FilterTaps {
  const { taps, starts, coefficients } = full;
  const used = new Array<boolean>(taps).fill(false);
  coefficients.forEach((weight, i) => {
    if (Math.abs(weight) > 1e-12) used[i % taps] = true;
  });
  const first = used.indexOf(true);
  const count = used.lastIndexOf(true) - first + 1;
  if (count === taps) return full;
  const trimmed = new Float64Array(starts.length * count);
  for (let j = 0; j < starts.length; j++) {
    trimmed.set(coefficients.subarray(j * taps + first, j * taps + first + count), j * count);
  }
  return { taps: count, starts: starts.map((start) => start + first), coefficients: trimmed };
}

/** Bits of the fraction of integer coefficients. */
const COEFFICIENT_BITS = 14;

/**
 * Rounds to integers that sum to exactly 2^14 for each output, so that flat ground stays flat. What rounding left over goes
 * to the largest coefficient, in equal parts to two that are equal.
 */
export function quantiseTaps({ taps, starts, coefficients }: FilterTaps): Int16Array {
  const one = 1 << COEFFICIENT_BITS;
  const result = new Int16Array(coefficients.length);
  for (let j = 0; j < starts.length; j++) {
    const at = j * taps;
    let left = one;
    let largest = at;
    for (let i = at; i < at + taps; i++) {
      const rounded = Math.round((coefficients[i] ?? 0) * one);
      result[i] = rounded;
      left -= rounded;
      if (rounded > (result[largest] ?? 0)) largest = i;
    }
    const twin = result.indexOf(result[largest] ?? 0, largest + 1);
    if (twin !== -1 && twin < at + taps && left % 2 === 0) {
      result[largest] = (result[largest] ?? 0) + left / 2;
      result[twin] = (result[twin] ?? 0) + left / 2;
    } else {
      result[largest] = (result[largest] ?? 0) + left;
    }
  }
  return result;
}
