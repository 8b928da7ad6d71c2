import { UpscaleError } from '../core/errors.ts';

/** Part of a picture, in its pixels. */
export interface Crop {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}

/** Size of a crop that is chosen here, where the picture is large enough. */
const USUAL = { width: 160, height: 120 };
/** Places are tried at every so many pixels. */
const STEP = 8;
/** Steps between neighbours above this count no further: one hard edge is no detail. */
const MOST_STEP = 32;

/** Reads `160x120+40+30`. Throws `USAGE`. */
export function parseCrop(text: string): Crop {
  const [, width = 0, height = 0, x = 0, y = 0] = (/^(\d+)x(\d+)\+(\d+)\+(\d+)$/.exec(text) ?? []).map(
    Number,
  );
  if (width >= 16 && height >= 16) return { width, height, x, y };
  throw new UpscaleError('USAGE', `--crop cannot be ${JSON.stringify(text)}.`, {
    hint: 'Write it as 160x120+40+30: width, height, left and top in pixels of the source, at least 16x16.',
  });
}

/** `160x120+40+30`. */
export function formatCrop({ width, height, x, y }: Crop): string {
  return `${width}x${height}+${x}+${y}`;
}

/** Throws `USAGE` for a crop that does not lie inside of the picture. */
export function checkCrop(crop: Crop, picture: { readonly width: number; readonly height: number }): void {
  if (crop.x + crop.width <= picture.width && crop.y + crop.height <= picture.height) return;
  throw new UpscaleError(
    'USAGE',
    `The crop ${formatCrop(crop)} does not lie inside of ${picture.width}x${picture.height}.`,
    { hint: "Give it in pixels of the source's picture as shown, not of the enlarged one." },
  );
}

/** The part of a picture with the most detail: the largest sum of differences between neighbouring samples of luma. */
export function chooseCrop(
  luma: Uint8Array,
  picture: { readonly width: number; readonly height: number },
): Crop {
  const width = Math.min(USUAL.width, picture.width);
  const height = Math.min(USUAL.height, picture.height);
  const sums = sumDetail(luma, picture.width, picture.height);
  const stride = picture.width + 1;
  const at = (x: number, y: number): number => sums[y * stride + x] ?? 0;
  let best = { x: 0, y: 0, detail: -1 };
  for (let y = 0; y + height <= picture.height; y += STEP) {
    for (let x = 0; x + width <= picture.width; x += STEP) {
      const detail = at(x + width, y + height) - at(x, y + height) - at(x + width, y) + at(x, y);
      if (detail > best.detail) best = { x, y, detail };
    }
  }
  return { width, height, x: best.x, y: best.y };
}

/** Summed-area table of detail (Crow, 1984): one row and one column more than the picture. */
function sumDetail(luma: Uint8Array, width: number, height: number): Float64Array {
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const here = luma[i] ?? 0;
      const across = x > 0 ? Math.abs(here - (luma[i - 1] ?? 0)) : 0;
      const down = y > 0 ? Math.abs(here - (luma[i - width] ?? 0)) : 0;
      row += Math.min(across, MOST_STEP) + Math.min(down, MOST_STEP);
      sums[(y + 1) * (width + 1) + x + 1] = (sums[y * (width + 1) + x + 1] ?? 0) + row;
    }
  }
  return sums;
}
