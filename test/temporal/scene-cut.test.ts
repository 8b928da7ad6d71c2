import { describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { hasChanged, summariseScene, type SceneSummary } from '../../src/temporal/scene-cut.ts';
import { arena, drawPhoto, drawPicture, makeGaussian } from './clip-fixture.ts';

function summarise(
  value: (x: number, y: number) => number,
  format = 'yuv420p',
  [width, height]: readonly [number, number] = [320, 240],
): SceneSummary {
  const shape = { format, width, height };
  const picture = drawPicture(shape, value);
  const frame = arena.allocateFrame(pixelFormat(format), shape.width, shape.height, 0);
  const luma = picture[0];
  if (luma !== undefined) {
    const bytes = new Uint8Array(luma.buffer, luma.byteOffset, luma.byteLength);
    arena.bytes(frame.offset, luma.byteLength).set(bytes);
  }
  const summary = summariseScene(arena, frame);
  frame.dispose();
  return summary;
}

const drawOther = (x: number, y: number): number => 90 + 50 * Math.cos(x / 9) + 40 * Math.sin((x - y) / 31);

describe('hasChanged', () => {
  it('sees another scene, a flash and black', () => {
    const scene = summarise(drawPhoto);
    for (const other of [drawOther, (x: number, y: number) => drawPhoto(x, y) * 0.5 + 120, () => 16]) {
      expect(hasChanged(scene, summarise(other))).toBe(true);
      expect(hasChanged(summarise(other), scene)).toBe(true);
    }
  });

  it('sees no cut in noise, slow motion, a thing that moves and a slow fade', () => {
    const noise = makeGaussian(1);
    const scene = summarise(drawPhoto);
    for (const same of [
      (x: number, y: number) => drawPhoto(x, y) + 8 * noise(),
      (x: number, y: number) => drawPhoto(x + 2, y + 1),
      (x: number, y: number) => (x > 50 && x < 120 && y > 60 && y < 120 ? 220 : drawPhoto(x, y)),
      (x: number, y: number) => drawPhoto(x, y) * 0.98,
    ]) {
      expect(hasChanged(scene, summarise(same))).toBe(false);
    }
  });

  it('judges alike at any depth', () => {
    for (const format of ['gray10le', 'gray16le', 'gbrp']) {
      const scene = summarise(drawPhoto, format);
      expect(hasChanged(scene, summarise(drawOther, format))).toBe(true);
      expect(
        hasChanged(
          scene,
          summarise((x, y) => drawPhoto(x + 1, y), format),
        ),
      ).toBe(false);
      expect(hasChanged(scene, summarise(drawPhoto))).toBe(false);
    }
  });

  it('takes the smallest frames', () => {
    const dark = summarise(() => 20, 'gray', [1, 1]);
    expect(hasChanged(dark, dark)).toBe(false);
  });
});
