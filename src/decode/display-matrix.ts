/** How a decoded picture must be turned to be upright: clockwise by `rotation`, then mirrored left to right if so. */
export interface Orientation {
  readonly rotation: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
}

/**
 * Reads the display matrix as ffprobe prints it (ISO/IEC 14496-12, 8.5.2: rows a b u, c d v, x y w; x' = ax + cy, y' = bx + dy with y
 * downwards). Angles between the quarters go to the nearest; scaling in the matrix is the demuxer's business (it becomes pixel aspect).
 */
export function readDisplayMatrix(text: string): Orientation {
  const numbers = [...text.matchAll(/^\s*[0-9a-f]{8}:\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)/gm)].map((row) =>
    row.slice(1, 4).map(Number),
  );
  let a = numbers[0]?.[0] ?? 1;
  const b = numbers[0]?.[1] ?? 0;
  let c = numbers[1]?.[0] ?? 0;
  const d = numbers[1]?.[1] ?? 1;
  const mirrored = a * d - b * c < 0;
  if (mirrored) {
    a = -a;
    c = -c;
  }
  const quarter = Math.round(Math.atan2(b - c, a + d) / (Math.PI / 2));
  const rotation = ((((quarter % 4) + 4) % 4) * 90) as Orientation['rotation'];
  return { rotation, mirrored };
}

/** The same from a bare angle, counter-clockwise in degrees as ffprobe gives it. */
export function readRotation(counterClockwise: number): Orientation {
  const quarter = Math.round(-counterClockwise / 90);
  return { rotation: ((((quarter % 4) + 4) % 4) * 90) as Orientation['rotation'], mirrored: false };
}
