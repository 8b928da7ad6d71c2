import { spawnSync } from 'node:child_process';
import { tools } from '../pipeline/clip-fixture.ts';

/** Bits of a frame's number, each a block as wide as this share of the picture. */
const BITS = 10;

/** Size of {@link makeNumberedClip}. */
export const CLIP = { width: 160, height: 128, rate: 25 } as const;

/**
 * A clip whose every frame shows its number: white and black blocks for the bits, lowest first, along the top quarter; below them a bar
 * that moves. Its sound is a tone whose frequency rises, so that samples cannot be mistaken for others.
 */
export function makeNumberedClip(file: string, frames: number, args: readonly string[]): void {
  const { width, height, rate } = CLIP;
  const chunks: Buffer[] = [];
  for (let number = 0; number < frames; number++) {
    const luma = Buffer.alloc(width * height, 90);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (y < height / 4) luma[y * width + x] = (number >> Math.floor((x * BITS) / width)) & 1 ? 235 : 16;
        else if (Math.abs(x - ((number * 3) % width)) < 6) luma[y * width + x] = 200;
      }
    }
    chunks.push(luma, Buffer.alloc((width * height) / 2, 128));
  }
  const { status, stderr } = spawnSync(
    tools.ffmpeg,
    [
      ...['-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${width}x${height}`],
      ...['-r', String(rate), '-i', 'pipe:0'],
      ...[
        '-f',
        'lavfi',
        '-i',
        `aevalsrc='0.4*sin(200*t*t+900*t)|0.4*sin(300*t*t+500*t)':s=48000:d=${frames / rate}`,
      ],
      ...['-shortest', ...args, file],
    ],
    { input: Buffer.concat(chunks), maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(stderr.toString());
}

/** Reads the number in a row of gray samples that crosses the blocks. */
export function readNumber(row: ArrayLike<number>): number {
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const sample = row[Math.floor(((bit + 0.5) * row.length) / BITS)] ?? 0;
    if (sample > 128) number |= 1 << bit;
  }
  return number;
}
