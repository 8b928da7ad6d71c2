import { describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { arenaBytesForInfer } from '../../src/infer/plan-infer.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { openUpscaler } from '../../src/infer/upscaler.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { placeModel } from './graph-fixture.ts';
import { makePlainNetwork, writeNetwork } from './tiny-networks.ts';
import { makePlan, upscaleOnce } from './upscaler-fixture.ts';

const sampleAt = (_: number, x: number, y: number): number => (x * 7 + y * 13 + ((x * y) % 31)) % 256;

describe('large frames', () => {
  it('make 8K at addresses beyond 2 GiB, with the samples that small pictures have', async () => {
    const [width, height] = [3840, 2160];
    const tile = { width: 1920, height: 512 };
    const model = await inspectModel(await placeModel(writeNetwork(makePlainNetwork())));
    const plan = makePlan({ model, format: 'gray', width, height, tile });
    // Pages that nobody writes to take no memory.
    const below = 2.5 * 2 ** 30;
    const arena = new Arena(below + arenaBytesForInfer(plan) + 5 * width * height + 4096);
    arena.allocate(below);
    const upscaler = await openUpscaler(plan, { arena });
    const frame = arena.allocateFrame(pixelFormat('gray'), width, height, 7);
    expect(frame.offset).toBeGreaterThan(2 ** 31);
    const samples = arena.bytes(frame.offset, frame.byteLength);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) samples[y * width + x] = sampleAt(0, x, y);
    }
    const result = await upscaler.upscale(frame);
    expect(result.byteLength).toBe(7680 * 4320);

    // Two pieces, one of them across borders of tiles and at the frame's last corner.
    for (const { left, top } of [
      { left: 1700, top: 420 },
      { left: width - 400, top: height - 200 },
    ]) {
      const [piece] = await upscaleOnce({ model, format: 'gray', width: 400, height: 200 }, (plane, x, y) =>
        sampleAt(plane, left + x, top + y),
      );
      const whole = arena.bytes(result.offset, result.byteLength);
      for (let y = 16; y < 384; y++) {
        const from = (2 * top + y) * 7680 + 2 * left + 16;
        expect(whole.slice(from, from + 768)).toEqual(piece?.slice(y * 800 + 16, y * 800 + 784));
      }
    }
    result.dispose();
    await upscaler.close();
  });
});
