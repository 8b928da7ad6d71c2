import type { ModelFacts } from './infer-plan.ts';
import { makePicture, type Picture, type ProbeNetwork } from './probe-network.ts';

const GRIDS = [1, 2, 4, 8, 16, 32] as const;
/** Larger differences than what another order of sums makes, in units of white. */
const TOLERANCE = { float32: 1e-4, float16: 4e-3, uint8: 1.5 / 255, uint16: 1.5 / 65535 } as const;

type Traits = Pick<
  ModelFacts,
  'layout' | 'channels' | 'multiple' | 'scale' | 'range' | 'elementType' | 'fixedWidth' | 'fixedHeight'
>;

/**
 * The grid that tiles must stand on: the smallest step that the picture can be moved by so that the result moves along and is
 * the same otherwise. It can be coarser than the sizes that the network takes, since some pad to even sizes by themselves
 * before they fold pixels into channels. Null where no step is right: the network looks further than `radius`.
 */
export async function measureGrid(
  network: ProbeNetwork,
  traits: Traits,
  radius: number,
): Promise<number | null> {
  for (const grid of GRIDS) {
    if (grid % traits.multiple !== 0) continue;
    if (
      (await moves(network, traits, radius, grid, 'x')) &&
      (await moves(network, traits, radius, grid, 'y'))
    ) {
      return grid;
    }
  }
  return null;
}

/** Whether the result moves along with a picture that is moved by `step`. Strips do: what lies across the way stays as it is. */
async function moves(
  network: ProbeNetwork,
  traits: Traits,
  radius: number,
  step: number,
  axis: 'x' | 'y',
): Promise<boolean> {
  const border = Math.ceil(radius / step) * step;
  const along = roundUp(2 * border + 3 * step + 16, traits.multiple);
  const across = roundUp(16, traits.multiple);
  const width = traits.fixedWidth ?? (axis === 'x' ? along : across);
  const height = traits.fixedHeight ?? (axis === 'y' ? along : across);
  const [dx, dy] = axis === 'x' ? [step, 0] : [0, step];
  const paint = (moved: boolean) => (x: number, y: number, c: number) =>
    traits.range * paintRough(x + (moved ? dx : 0), y + (moved ? dy : 0), c, axis === 'x' ? dx : 0, dy);
  const still = await network.run(makePicture(traits.channels, width, height, paint(false)), traits.layout);
  const moved = await network.run(makePicture(traits.channels, width, height, paint(true)), traits.layout);
  if (still === null || moved === null) return false;
  const shift = { x: dx * traits.scale, y: dy * traits.scale, border: border * traits.scale };
  return measureDifference(still, moved, shift) <= TOLERANCE[traits.elementType] * traits.range;
}

/** Grey noise; the lightest and the darkest samples are those that the move takes away. */
function paintRough(x: number, y: number, channel: number, lostX: number, lostY: number): number {
  if (x < lostX || y < lostY) return (x + y) % 2;
  const hash = Math.imul(x * 374761393 + y * 668265263 + channel * 2246822519, 3266489917) >>> 0;
  return 0.25 + 0.5 * (((hash ^ (hash >>> 15)) & 0xffff) / 0xffff);
}

function measureDifference(
  still: Picture,
  moved: Picture,
  { x: dx, y: dy, border }: { readonly x: number; readonly y: number; readonly border: number },
): number {
  const { channels, width, height } = still;
  const [left, top] = [dx > 0 ? border : 0, dy > 0 ? border : 0];
  let most = -1;
  for (let c = 0; c < channels; c++) {
    for (let y = top; y < height - top - dy; y++) {
      for (let x = left; x < width - left - dx; x++) {
        const a = still.values[(c * height + y + dy) * width + x + dx] ?? NaN;
        const b = moved.values[(c * height + y) * width + x] ?? NaN;
        const difference = Math.abs(a - b);
        if (Number.isNaN(difference)) return Infinity;
        most = Math.max(most, difference);
      }
    }
  }
  // A fixed size too small to compare anything in proves nothing.
  return most < 0 ? Infinity : most;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
