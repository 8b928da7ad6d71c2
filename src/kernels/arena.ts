import { UpscaleError } from '../core/errors.ts';
import type { Frame, Plane } from '../core/frame.ts';
import { frameBytes, planeSize, type PixelFormat } from '../core/pixel-format.ts';

const ALIGNMENT = 64;
const PAGE = 65536;

/** Bytes that a block of `length` takes: blocks are aligned to 64. */
export function alignUp(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/**
 * The one memory of a lane: a WebAssembly memory that the decoder's bytes are written into, that onnxruntime and the SIMD
 * kernels read and write in place, and that the encoder is fed from. Its size is fixed when it is made, because growing
 * would detach every view; pages that are never touched cost nothing.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly capacity: number;
  /** Free blocks by offset, ascending, never adjacent. */
  readonly #free: { offset: number; length: number }[];
  readonly #used = new Map<number, number>();
  #usedBytes = 0;
  #peakBytes = 0;

  /** @param bytes - Capacity; rounded up to whole pages of 64 KiB, at most 4 GiB - 64 KiB. */
  constructor(bytes: number) {
    const pages = Math.ceil(bytes / PAGE) + 1;
    if (pages > 65535) {
      throw new UpscaleError(
        'MEMORY_BUDGET',
        `A lane's frames would need ${String(bytes)} bytes; 4 GiB is the limit.`,
        {
          hint: 'Choose a smaller output size.',
        },
      );
    }
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.capacity = pages * PAGE;
    // The first page stays free for the kernels' own constants, and so that offset 0 never names a block.
    this.#free = [{ offset: PAGE, length: this.capacity - PAGE }];
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Takes `length` bytes, aligned to 64. Throws `MEMORY_BUDGET` when the arena is full. */
  allocate(length: number): number {
    const size = alignUp(Math.max(1, length));
    const index = this.#free.findIndex((block) => block.length >= size);
    const block = this.#free[index];
    if (block === undefined) {
      throw new UpscaleError(
        'MEMORY_BUDGET',
        `The lane's memory is full: ${String(size)} bytes wanted, ${String(this.#usedBytes)} of ${String(this.capacity)} in use.`,
      );
    }
    const offset = block.offset;
    if (block.length === size) this.#free.splice(index, 1);
    else this.#free[index] = { offset: offset + size, length: block.length - size };
    this.#used.set(offset, size);
    this.#usedBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes);
    return offset;
  }

  /** Gives back what {@link Arena.allocate} returned. Throws `INTERNAL` for anything else, so a double free is found. */
  release(offset: number): void {
    const length = this.#used.get(offset);
    if (length === undefined) {
      throw new UpscaleError('INTERNAL', `Released an arena block that is not in use: ${String(offset)}`);
    }
    this.#used.delete(offset);
    this.#usedBytes -= length;
    let at = this.#free.findIndex((block) => block.offset > offset);
    if (at === -1) at = this.#free.length;
    this.#free.splice(at, 0, { offset, length });
    this.#mergeWithNext(at);
    if (at > 0) this.#mergeWithNext(at - 1);
  }

  #mergeWithNext(at: number): void {
    const block = this.#free[at];
    const next = this.#free[at + 1];
    if (block !== undefined && next !== undefined && block.offset + block.length === next.offset) {
      this.#free.splice(at, 2, { offset: block.offset, length: block.length + next.length });
    }
  }

  /** A view of `length` bytes at `offset`. */
  bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, offset, length);
  }

  /** A view of `length` 16-bit samples at byte `offset`, which must be even. */
  words(offset: number, length: number): Uint16Array {
    return new Uint16Array(this.memory.buffer, offset, length);
  }

  /** Takes memory for one frame. Its samples are whatever stood there before. */
  allocateFrame(format: PixelFormat, width: number, height: number, pts: number): Frame {
    const byteLength = frameBytes(format, width, height);
    const offset = this.allocate(byteLength);
    const planes: Plane[] = [];
    let at = offset;
    for (let i = 0; i < format.planes.length; i++) {
      const size = planeSize(format, i, width, height);
      planes.push({ offset: at, ...size });
      at += size.width * size.height * format.bytesPerSample;
    }
    return {
      format,
      width,
      height,
      pts,
      offset,
      byteLength,
      planes,
      dispose: () => {
        this.release(offset);
      },
    };
  }
}
