import { describe, expect, it } from 'vitest';
import { findTools } from '../../src/ffmpeg/tools.ts';
import { drawSheet, encodePng, type RgbPicture } from '../../src/pipeline/sheet.ts';

const makePicture = (width: number, height: number, value: number): RgbPicture => ({
  width,
  height,
  pixels: new Uint8Array(3 * width * height).fill(value),
});

/** Whether anything but paper lies in a rectangle. */
function isWritten(sheet: RgbPicture, x: number, y: number, width: number, height: number): boolean {
  const paper = sheet.pixels[0];
  for (let row = y; row < y + height; row++) {
    const line = sheet.pixels.subarray(3 * (row * sheet.width + x), 3 * (row * sheet.width + x + width));
    if (line.some((value) => value !== paper)) return true;
  }
  return false;
}

describe('drawSheet', () => {
  it('puts pictures side by side under their labels, and a title above all', () => {
    const cells = [10, 20, 30].map((value) => ({
      label: `net ${value}`,
      picture: makePicture(100, 50, value),
    }));
    const sheet = drawSheet('a title', [cells]);
    expect(sheet).toMatchObject({ width: 4 * 8 + 3 * 100, height: 24 + 8 + 24 + 50 + 8 });
    for (const [column, value] of [10, 20, 30].entries()) {
      const x = 8 + column * 108;
      expect(sheet.pixels[3 * (56 * sheet.width + x)]).toBe(value);
      expect(sheet.pixels[3 * (105 * sheet.width + x + 99)]).toBe(value);
      expect(isWritten(sheet, x, 32, 60, 24)).toBe(true);
      expect(isWritten(sheet, x + 60, 32, 40, 24)).toBe(false);
    }
    expect(isWritten(sheet, 8, 4, 70, 20)).toBe(true);
  });

  it('breaks rows that would be too wide into even ones', () => {
    const cells = Array.from({ length: 5 }, () => ({ label: 'x', picture: makePicture(900, 10, 1) }));
    expect(drawSheet('', [cells])).toMatchObject({ width: 8 + 3 * 908, height: 32 + 2 * 42 });
    expect(drawSheet('', [cells.slice(0, 2), cells.slice(0, 2)])).toMatchObject({ height: 32 + 2 * 42 });
  });

  it('cuts labels to their pictures, and writes other letters as question marks', () => {
    const picture = makePicture(30, 10, 1);
    const sheet = drawSheet('', [[{ label: 'abcdefgh', picture }]]);
    expect(sheet.width).toBe(46);
    const draw = (title: string): Uint8Array => drawSheet(title, []).pixels;
    expect(draw('Bänd')).toEqual(draw('B?nd'));
    expect(draw('Bond')).not.toEqual(draw('B?nd'));
  });

  it('becomes a PNG', async () => {
    const png = await encodePng(drawSheet('x', []), { tools: await findTools() });
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(26);
  });
});
