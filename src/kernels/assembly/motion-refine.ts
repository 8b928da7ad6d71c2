// Motion of blocks below a sample, by the gradient (Lucas and Kanade 1981), and where forward and backward motion agree.
import { addLanes } from './lanes';
import { GRADIENTS_AT } from './scratch';

/** Sides of the window. */
const WINDOW: i32 = 8;
/** Parts of a sample that vectors are told in, as a power of two. */
const FRACTION: i32 = 4;
const PARTS: i32 = 1 << FRACTION;
/** Bytes that are kept of a line of the window: its gradients and its samples. */
const LINE: usize = 48;

// @ts-ignore: decorator
@inline
function clampStep(value: f64): f64 {
  return min(max(value, -1.0), 1.0);
}

/**
 * Takes vectors from whole samples to sixteenths: `rounds` steps of Gauss and Newton on windows of 8 x 8 samples, held to the mean of the
 * vectors left, above and found before by `prior`, the variance of the noise over that of the vectors.
 *
 * @param bounds - Of the level: windows stay 15 samples near to the picture.
 * @param vectors - Two int16 a block, in samples; they are replaced by sixteenths.
 */
export function refineVectors(
  current: usize,
  reference: usize,
  stride: usize,
  width: i32,
  height: i32,
  step: i32,
  columns: i32,
  rows: i32,
  prior: f64,
  rounds: i32,
  vectors: usize,
): void {
  const inset = (WINDOW - step) >> 1;
  for (let row = 0; row < rows; row++) {
    const y = row * step - inset;
    const leastY = <f64>(-14 - y);
    const mostY = <f64>(height + 6 - y);
    for (let column = 0; column < columns; column++) {
      const x = column * step - inset;
      const leastX = <f64>(-14 - x);
      const mostX = <f64>(width + 6 - x);
      const at = vectors + (<usize>(row * columns + column) << 2);
      const above = at - (<usize>columns << 2);
      let vx = <i32>load<i16>(at) << FRACTION;
      let vy = <i32>load<i16>(at, 2) << FRACTION;
      const leftX = column > 0 ? <i32>load<i16>(at - 4) : vx;
      const leftY = column > 0 ? <i32>load<i16>(at - 4, 2) : vy;
      const aboveX = row > 0 ? <i32>load<i16>(above) : vx;
      const aboveY = row > 0 ? <i32>load<i16>(above, 2) : vy;
      const heldX = <f64>(vx + leftX + aboveX) / <f64>(3 * PARTS);
      const heldY = <f64>(vy + leftY + aboveY) / <f64>(3 * PARTS);
      const window = current + <usize>(y * <i32>stride + x);
      let xx = i32x4.splat(0);
      let xy = i32x4.splat(0);
      let yy = i32x4.splat(0);
      let p = window;
      for (let to = GRADIENTS_AT; to < GRADIENTS_AT + <usize>WINDOW * LINE; to += LINE) {
        const gx = i16x8.sub(v128.load8x8_u(p, 1), v128.load8x8_u(p - 1));
        const gy = i16x8.sub(v128.load8x8_u(p + stride), v128.load8x8_u(p - stride));
        v128.store(to, gx);
        v128.store(to, gy, 16);
        v128.store(to, i16x8.shl(v128.load8x8_u(p), FRACTION), 32);
        xx = i32x4.add(xx, i32x4.dot_i16x8_s(gx, gx));
        xy = i32x4.add(xy, i32x4.dot_i16x8_s(gx, gy));
        yy = i32x4.add(yy, i32x4.dot_i16x8_s(gy, gy));
        p += stride;
      }
      // Gradients are doubled, rests in sixteenths.
      const a = <f64>addLanes(xx) / 4 + prior;
      const b = <f64>addLanes(xy) / 4;
      const c = <f64>addLanes(yy) / 4 + prior;
      const determinant = a * c - b * b;
      for (let round = 0; round < rounds; round++) {
        const fx = vx & (PARTS - 1);
        const fy = vy & (PARTS - 1);
        const right = i16x8.splat(<i16>fx);
        const left = i16x8.splat(<i16>(PARTS - fx));
        const lower = i16x8.splat(<i16>fy);
        const upper = i16x8.splat(<i16>(PARTS - fy));
        let q = reference + (window - current) + <usize>((vy >> FRACTION) * <i32>stride + (vx >> FRACTION));
        let row = i16x8.add(i16x8.mul(v128.load8x8_u(q), left), i16x8.mul(v128.load8x8_u(q, 1), right));
        let xr = i32x4.splat(0);
        let yr = i32x4.splat(0);
        for (let from = GRADIENTS_AT; from < GRADIENTS_AT + <usize>WINDOW * LINE; from += LINE) {
          q += stride;
          const next = i16x8.add(i16x8.mul(v128.load8x8_u(q), left), i16x8.mul(v128.load8x8_u(q, 1), right));
          const moved = i16x8.shr_u(i16x8.add(i16x8.mul(row, upper), i16x8.mul(next, lower)), FRACTION);
          const rest = i16x8.sub(moved, v128.load(from, 32));
          xr = i32x4.add(xr, i32x4.dot_i16x8_s(v128.load(from), rest));
          yr = i32x4.add(yr, i32x4.dot_i16x8_s(v128.load(from, 16), rest));
          row = next;
        }
        const fromX = <f64>vx / <f64>PARTS;
        const fromY = <f64>vy / <f64>PARTS;
        const s = <f64>addLanes(xr) / 32 + prior * (fromX - heldX);
        const t = <f64>addLanes(yr) / 32 + prior * (fromY - heldY);
        const toX = fromX + clampStep((b * t - c * s) / determinant);
        const toY = fromY + clampStep((b * s - a * t) / determinant);
        const nextX = <i32>floor(min(max(toX, leastX), mostX) * PARTS + 0.5);
        const nextY = <i32>floor(min(max(toY, leastY), mostY) * PARTS + 0.5);
        if (nextX == vx && nextY == vy) break;
        vx = nextX;
        vy = nextY;
      }
      store<i16>(at, <i16>vx);
      store<i16>(at, <i16>vy, 2);
    }
  }
}

/**
 * Trust a block, 0..32767: 1 where the motion there leads back to within `near`, falling to 0 at `far`.
 *
 * @param step - Samples between blocks.
 * @param vectors - Of this frame's blocks, in sixteenths.
 * @param back - Of the other frame's blocks.
 * @param trust - An int16 a block.
 */
export function checkVectors(
  step: i32,
  columns: i32,
  rows: i32,
  vectors: usize,
  back: usize,
  near: i32,
  far: i32,
  trust: usize,
): void {
  const slope = 32767 / (far - near);
  const middle = step * (PARTS / 2);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const index = row * columns + column;
      const at = vectors + (<usize>index << 2);
      const vx = <i32>load<i16>(at);
      const vy = <i32>load<i16>(at, 2);
      const thereX = min(max((column * step * PARTS + middle + vx) / (step * PARTS), 0), columns - 1);
      const thereY = min(max((row * step * PARTS + middle + vy) / (step * PARTS), 0), rows - 1);
      const there = back + (<usize>(thereY * columns + thereX) << 2);
      const error = max(abs(vx + load<i16>(there)), abs(vy + load<i16>(there, 2)));
      store<i16>(trust + (<usize>index << 1), <i16>(min(max(far - error, 0), far - near) * slope));
    }
  }
}
