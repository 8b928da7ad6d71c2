import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { Arena } from '../../src/kernels/arena.ts';

interface Block {
  readonly offset: number;
  readonly length: number;
}

/** Allocates and frees at random beside a plain list of what is in use. */
class ArenaCommands {
  readonly arena = new Arena(1 << 20);
  readonly used: Block[] = [];

  allocate(length: number): void {
    let offset: number;
    try {
      offset = this.arena.allocate(length);
    } catch (error) {
      expect(error).toMatchObject({ code: 'MEMORY_BUDGET' });
      expect(this.findLargestGap()).toBeLessThan(Math.ceil(length / 64) * 64);
      return;
    }
    expect(offset % 64).toBe(0);
    expect(offset).toBeGreaterThanOrEqual(65536);
    expect(offset + length).toBeLessThanOrEqual(this.arena.capacity);
    for (const block of this.used) {
      expect(offset + length <= block.offset || block.offset + block.length <= offset).toBe(true);
    }
    this.used.push({ offset, length: Math.ceil(Math.max(1, length) / 64) * 64 });
  }

  release(index: number): void {
    const [block] = this.used.splice(index % Math.max(1, this.used.length), 1);
    if (block !== undefined) this.arena.release(block.offset);
  }

  findLargestGap(): number {
    let [at, largest] = [65536, 0];
    for (const { offset, length } of [...this.used].sort((a, b) => a.offset - b.offset)) {
      largest = Math.max(largest, offset - at);
      at = offset + length;
    }
    return Math.max(largest, this.arena.capacity - at);
  }
}

describe('Arena', () => {
  it('never hands out the same byte twice, uses every gap, and gets all of it back', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('allocate' as const), value: fc.integer({ min: 0, max: 300_000 }) }),
      fc.record({ kind: fc.constant('release' as const), value: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const state = new ArenaCommands();
        let peak = 0;
        for (const { kind, value } of commands) {
          state[kind](value);
          const inUse = state.used.reduce((sum, { length }) => sum + length, 0);
          peak = Math.max(peak, inUse);
          expect(state.arena.usedBytes).toBe(inUse);
          expect(state.arena.peakBytes).toBe(peak);
        }
        while (state.used.length > 0) state.release(0);
        expect(state.arena.usedBytes).toBe(0);
        expect(state.arena.allocate(state.arena.capacity - 65536)).toBe(65536);
      }),
    );
  });

  it('finds a block that is released twice, or was never handed out', () => {
    const arena = new Arena(4096);
    const offset = arena.allocate(100);
    arena.release(offset);
    expect(() => arena.release(offset)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    expect(() => arena.release(64)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('refuses more than WebAssembly can hold', () => {
    expect(() => new Arena(2 ** 32)).toThrow(expect.objectContaining({ code: 'MEMORY_BUDGET' }));
  });

  it('lays a frame out as ffmpeg does', () => {
    const arena = new Arena(1 << 20);
    const frame = arena.allocateFrame(pixelFormat('yuv420p10le'), 33, 17, 7);
    expect(frame.byteLength).toBe((33 * 17 + 2 * 17 * 9) * 2);
    expect(frame.planes.map(({ offset, width, height }) => [offset - frame.offset, width, height])).toEqual([
      [0, 33, 17],
      [33 * 17 * 2, 17, 9],
      [(33 * 17 + 17 * 9) * 2, 17, 9],
    ]);
    expect(frame.pts).toBe(7);
    frame.dispose();
    expect(() => frame.dispose()).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    expect(arena.usedBytes).toBe(0);
  });
});
