import { inflateSync } from 'node:zlib';
import { pipeBytes } from '../ffmpeg/pipe-bytes.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { LABEL_FONT } from './label-font.ts';

/** A picture of 8-bit RGB, pixel after pixel. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A picture of a sheet and what stands above it: printable ASCII, one line. */
export interface SheetCell {
  readonly label: string;
  readonly picture: RgbPicture;
}

const GAP = 8;
const LABEL_HEIGHT = LABEL_FONT.height + 4;
/** Rows are broken where a sheet would get wider than this, in pixels. */
const WIDEST = 3000;
const PAPER = 24;

/** Lays labelled pictures of one size side by side, each row on a line of its own or on several, under a line of text. */
export function drawSheet(title: string, rows: readonly (readonly SheetCell[])[]): RgbPicture {
  const cells = rows.flat();
  const width = Math.max(0, ...cells.map(({ picture }) => picture.width));
  const height = Math.max(0, ...cells.map(({ picture }) => picture.height)) + LABEL_HEIGHT;
  const most = Math.max(1, Math.floor((WIDEST - GAP) / (width + GAP)));
  const lines = rows.flatMap((row) => breakRow(row, most));
  const columns = Math.max(1, ...lines.map((line) => line.length));
  const sheet = new Sheet(
    Math.max(GAP + columns * (width + GAP), 2 * GAP + title.length * LABEL_FONT.width),
    LABEL_HEIGHT + GAP + lines.length * (height + GAP),
  );
  sheet.write(title, GAP, GAP / 2);
  lines.forEach((line, row) => {
    line.forEach(({ label, picture }, column) => {
      const x = GAP + column * (width + GAP);
      const y = LABEL_HEIGHT + GAP + row * (height + GAP);
      sheet.write(label.slice(0, Math.floor(width / LABEL_FONT.width)), x, y);
      sheet.paste(picture, x, y + LABEL_HEIGHT);
    });
  });
  return sheet;
}

/** Lines of even length, none longer than `most`. */
function breakRow(row: readonly SheetCell[], most: number): SheetCell[][] {
  const lines = Math.max(1, Math.ceil(row.length / most));
  const length = Math.ceil(row.length / lines);
  return Array.from({ length: lines }, (_, i) => row.slice(i * length, (i + 1) * length));
}

class Sheet implements RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly #letters = inflateSync(Buffer.from(LABEL_FONT.coverage, 'base64'));

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(3 * width * height).fill(PAPER);
  }

  paste({ width, height, pixels }: RgbPicture, x: number, y: number): void {
    for (let row = 0; row < height; row++) {
      const line = pixels.subarray(3 * row * width, 3 * (row + 1) * width);
      this.pixels.set(line, 3 * ((y + row) * this.width + x));
    }
  }

  /** Writes one line; what is no printable ASCII becomes a question mark. */
  write(text: string, x: number, y: number): void {
    Array.from(text).forEach((letter, i) => this.#writeLetter(letter, x + i * LABEL_FONT.width, y));
  }

  #writeLetter(letter: string, x: number, y: number): void {
    const { first, count, width, height } = LABEL_FONT;
    const code = (letter.codePointAt(0) ?? 0) - first;
    const index = code >= 0 && code < count ? code : '?'.charCodeAt(0) - first;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const covered = (this.#letters[(row * count + index) * width + column] ?? 0) / 255;
        const at = 3 * ((y + row) * this.width + x + column);
        this.pixels.fill(PAPER + covered * (235 - PAPER), at, at + 3);
      }
    }
  }
}

/** A picture as the bytes of a PNG file. */
export async function encodePng(
  { width, height, pixels }: RgbPicture,
  options: { readonly tools: FfmpegTools; readonly signal?: AbortSignal | undefined },
): Promise<Buffer> {
  return pipeBytes(options.tools, pixels, {
    input: ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`],
    output: ['-c:v', 'png', '-f', 'image2pipe'],
    what: 'writing the sheet',
    signal: options.signal,
  });
}
