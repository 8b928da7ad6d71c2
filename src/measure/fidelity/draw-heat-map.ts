import { drawSheet, type RgbPicture } from '../../pipeline/sheet.ts';

/** Departure in 8-bit code values from which on the hottest colour is drawn. */
const HOTTEST = 16;

/** A picture of values, one for each of the source's samples. */
interface SampleGrid {
  readonly width: number;
  readonly height: number;
}

/** Where an output departs from its source. All of one size, that of the source's luma. */
export interface Departures extends SampleGrid {
  /** The frame that departs most: its number and dB, luma as 0 to 255, and absolute differences in 8-bit code values. */
  readonly worst: {
    readonly frame: number;
    readonly y: number;
    readonly luma: Uint8Array;
    readonly departure: Float32Array;
  };
  /** Mean absolute difference of all frames. */
  readonly mean: Float32Array;
}

/** Colours from no departure over violet and orange to yellow, in equal steps. */
const RAMP = [
  [0, 0, 0],
  [90, 20, 130],
  [230, 80, 40],
  [255, 240, 80],
] as const;

/** Draws the frame that departs most beside the places where it does, and where all frames do in the mean. */
export function drawHeatMap({ worst, mean, ...grid }: Departures): RgbPicture {
  const number = `frame ${String(worst.frame)}`;
  return drawSheet(
    `departure of luma: black none, violet 5, orange 11, yellow ${String(HOTTEST)} code values and more`,
    [
      [
        { label: `source, ${number}`, picture: paintGrey(grid, worst.luma) },
        {
          label: `departure, ${number} (${worst.y.toFixed(1)} dB)`,
          picture: paintHeat(grid, worst.departure),
        },
        { label: 'departure, mean of all frames', picture: paintHeat(grid, mean) },
      ],
    ],
  );
}

function paintGrey({ width, height }: SampleGrid, luma: Uint8Array): RgbPicture {
  const pixels = new Uint8Array(3 * width * height);
  luma.forEach((value, i) => pixels.fill(value, 3 * i, 3 * i + 3));
  return { width, height, pixels };
}

function paintHeat({ width, height }: SampleGrid, departure: Float32Array): RgbPicture {
  const pixels = new Uint8Array(3 * width * height);
  departure.forEach((value, i) => {
    const heat = Math.min(1, value / HOTTEST) * (RAMP.length - 1);
    const step = Math.min(RAMP.length - 2, Math.floor(heat));
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [RAMP[step]?.[channel] ?? 0, RAMP[step + 1]?.[channel] ?? 0];
      pixels[3 * i + channel] = Math.round(from + (to - from) * (heat - step));
    }
  });
  return { width, height, pixels };
}
