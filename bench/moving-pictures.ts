import type { LumaPlane } from '../src/measure/luma-plane.ts';

/** Where a sample of a frame lies in the photograph: position = matrix x (sample - centre) + centre + shift. */
export interface Motion {
  /** Samples to the right and down a frame. */
  readonly pan?: readonly [x: number, y: number];
  /** Radians a frame. */
  readonly turn?: number;
  /** Part of its size that the picture grows by in a frame. */
  readonly zoom?: number;
}

const REACH = 3;
/** Samples of the photograph that frames keep off its edge. */
const MARGIN = 24;

/** Frames of a camera that moves over a photograph, drawn by a Lanczos filter: `count` of them, smaller than the photograph by a margin. */
export function drawMotion(photo: LumaPlane, motion: Motion, count: number): LumaPlane[] {
  const { pan = [0, 0], turn = 0, zoom = 0 } = motion;
  const [width, height] = [photo.width - 2 * MARGIN, photo.height - 2 * MARGIN];
  return Array.from({ length: count }, (_, index) => {
    const t = index - (count - 1) / 2;
    const [cos, sin] = [Math.cos(turn * t) / (1 + zoom) ** t, Math.sin(turn * t) / (1 + zoom) ** t];
    const samples = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [dx, dy] = [x - width / 2, y - height / 2];
        const sx = cos * dx - sin * dy + photo.width / 2 - pan[0] * t;
        const sy = sin * dx + cos * dy + photo.height / 2 - pan[1] * t;
        samples[y * width + x] = Math.min(Math.max(Math.round(sample(photo, sx, sy)), 0), 255);
      }
    }
    return { width, height, samples };
  });
}

function sample({ width, height, samples }: LumaPlane, x: number, y: number): number {
  const [left, top] = [Math.floor(x) - REACH + 1, Math.floor(y) - REACH + 1];
  let [sum, weights] = [0, 0];
  for (let row = top; row < top + 2 * REACH; row++) {
    const down = lanczos(row - y);
    const line = Math.min(Math.max(row, 0), height - 1) * width;
    for (let column = left; column < left + 2 * REACH; column++) {
      const weight = down * lanczos(column - x);
      sum += weight * (samples[line + Math.min(Math.max(column, 0), width - 1)] ?? 0);
      weights += weight;
    }
  }
  return sum / weights;
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  const angle = Math.PI * x;
  return Math.abs(x) < REACH ? (REACH * Math.sin(angle) * Math.sin(angle / REACH)) / (angle * angle) : 0;
}
