import type { Frame } from '../core/frame.ts';
import { planeSize, type PixelFormat } from '../core/pixel-format.ts';
import type { Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { computeThresholds } from './blend-thresholds.ts';
import { comparisonShift, estimateNoise, noiseBytes } from './noise-estimate.ts';
import type { TemporalStrength } from './temporal-plan.ts';

const THRESHOLD_BYTES = 64;
/** Rows of int16 that the kernel keeps: two neighbours, two kinds of difference, 6 rows and a row of sums each. */
const WORK_ROWS = 2 * 2 * (6 + 1);

interface WorkLayout {
  readonly stride: number;
  readonly noiseAt: number;
  readonly workAt: number;
  readonly totalBytes: number;
}

function layOutWork(format: PixelFormat, width: number, height: number): WorkLayout {
  let noise = 0;
  for (let i = 0; i < format.planes.length; i++) {
    const size = planeSize(format, i, width, height);
    noise = Math.max(noise, noiseBytes(size.width, size.height));
  }
  const stride = Math.ceil((2 * width + 64) / 64) * 64 + 64;
  const workAt = THRESHOLD_BYTES + Math.ceil(noise / 64) * 64;
  return { stride, noiseAt: THRESHOLD_BYTES, workAt, totalBytes: workAt + WORK_ROWS * stride + 64 };
}

/**
 * Blends frames of one format and size with their neighbours. Beside the frames it takes about 60 bytes of the arena for each
 * column.
 */
export class FrameBlender {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #strength: TemporalStrength;
  readonly #layout: WorkLayout;
  readonly #block: number;

  constructor(
    arena: Arena,
    kernels: Kernels,
    strength: TemporalStrength,
    { format, width, height }: Pick<Frame, 'format' | 'width' | 'height'>,
  ) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#strength = strength;
    this.#layout = layOutWork(format, width, height);
    this.#block = arena.allocate(this.#layout.totalBytes);
  }

  /** Returns a new frame; its inputs keep their owner. A neighbour is null where there is none to be trusted. */
  blend(current: Frame, previous: Frame | null, next: Frame | null): Frame {
    const { format, width, height, pts } = current;
    const result = this.#arena.allocateFrame(format, width, height, pts);
    for (let i = 0; i < format.planes.length; i++) this.#blendPlane(i, current, previous, next, result);
    return result;
  }

  dispose(): void {
    this.#arena.release(this.#block);
  }

  #blendPlane(
    index: number,
    current: Frame,
    previous: Frame | null,
    next: Frame | null,
    result: Frame,
  ): void {
    const { format } = current;
    const plane = current.planes[index];
    const target = result.planes[index];
    const role = format.planes[index]?.role;
    if (plane === undefined || target === undefined || role === undefined) return;
    const before = previous?.planes[index] ?? null;
    const after = next?.planes[index] ?? null;
    const { bits, bytesPerSample } = format;
    // A matte has no noise, and its edges must stay with those of the picture.
    const sigma =
      role === 'A' || (before === null && after === null)
        ? 0
        : estimateNoise(
            this.#arena,
            this.#kernels,
            plane,
            before,
            after,
            { bits, role },
            this.#block + this.#layout.noiseAt,
          );
    const thresholds = computeThresholds(this.#strength, sigma, bits);
    if (thresholds === null) {
      const bytes = plane.width * plane.height * bytesPerSample;
      this.#kernels.copyRows(plane.offset, bytes, target.offset, bytes, bytes, 1);
      return;
    }
    new Int16Array(this.#arena.memory.buffer, this.#block, thresholds.values.length).set(thresholds.values);
    this.#kernels.blendPlane(
      bytesPerSample === 2,
      plane.offset,
      (before ?? plane).offset,
      (after ?? plane).offset,
      target.offset,
      plane.width,
      plane.height,
      comparisonShift(bits),
      thresholds.fraction,
      this.#block,
      this.#block + this.#layout.workAt,
      this.#layout.stride,
    );
  }
}
