import { UpscaleError } from './errors.ts';

/** What one plane of a frame holds. */
export type PlaneRole = 'Y' | 'U' | 'V' | 'A' | 'R' | 'G' | 'B';

export interface PlaneLayout {
  readonly role: PlaneRole;
  /** log2 of the horizontal and vertical subsampling against the first plane. */
  readonly log2Width: number;
  readonly log2Height: number;
}

/**
 * A planar pixel format that frames have inside a lane. Samples are uint8, or uint16 little endian with the value in the
 * low `bits` bits. Planes stand in ffmpeg's order (RGB formats are G, B, R).
 */
export interface PixelFormat {
  /** ffmpeg's name, for example `yuv420p10le`. */
  readonly name: string;
  readonly family: 'gray' | 'yuv' | 'rgb';
  readonly bits: number;
  readonly bytesPerSample: 1 | 2;
  readonly hasAlpha: boolean;
  readonly planes: readonly PlaneLayout[];
  /** For yuv: `420`, `422`, `444`, `411`, `410`, `440`; else null. */
  readonly chroma: ChromaSubsampling | null;
}

export type ChromaSubsampling = '420' | '422' | '444' | '411' | '410' | '440';

const SUBSAMPLING: Record<ChromaSubsampling, readonly [number, number]> = {
  '420': [1, 1],
  '422': [1, 0],
  '444': [0, 0],
  '411': [2, 0],
  '410': [2, 2],
  '440': [0, 1],
};

const DEPTHS = [8, 10, 12, 16] as const;
const FORMATS = new Map<string, PixelFormat>();

function define(
  family: PixelFormat['family'],
  stem: string,
  roles: readonly PlaneRole[],
  bits: number,
  chroma: ChromaSubsampling | null,
): void {
  const [w, h] = chroma === null ? [0, 0] : SUBSAMPLING[chroma];
  const name = bits === 8 ? stem : `${stem}${String(bits)}le`;
  FORMATS.set(name, {
    name,
    family,
    bits,
    bytesPerSample: bits === 8 ? 1 : 2,
    hasAlpha: roles.includes('A'),
    planes: roles.map((role) => ({
      role,
      log2Width: role === 'U' || role === 'V' ? w : 0,
      log2Height: role === 'U' || role === 'V' ? h : 0,
    })),
    chroma,
  });
}

for (const bits of DEPTHS) {
  define('gray', 'gray', ['Y'], bits, null);
  define('rgb', 'gbrp', ['G', 'B', 'R'], bits, null);
  define('rgb', 'gbrap', ['G', 'B', 'R', 'A'], bits, null);
  for (const chroma of ['420', '422', '444'] as const) {
    define('yuv', `yuv${chroma}p`, ['Y', 'U', 'V'], bits, chroma);
    if (bits !== 12) define('yuv', `yuva${chroma}p`, ['Y', 'U', 'V', 'A'], bits, chroma);
  }
}
define('yuv', 'yuv411p', ['Y', 'U', 'V'], 8, '411');
define('yuv', 'yuv410p', ['Y', 'U', 'V'], 8, '410');
define('yuv', 'yuv440p', ['Y', 'U', 'V'], 8, '440');

/** All formats that frames may have inside a lane. */
export const PIXEL_FORMATS: ReadonlyMap<string, PixelFormat> = FORMATS;

/** Looks up a working format. Throws `INTERNAL` for a name that is none. */
export function pixelFormat(name: string): PixelFormat {
  const format = FORMATS.get(name);
  if (format === undefined) throw new UpscaleError('INTERNAL', `${name} is no working pixel format`);
  return format;
}

/** Finds the working format with these traits, or null. */
export function findPixelFormat(traits: {
  family: PixelFormat['family'];
  bits: number;
  chroma: ChromaSubsampling | null;
  hasAlpha: boolean;
}): PixelFormat | null {
  for (const format of FORMATS.values()) {
    if (
      format.family === traits.family &&
      format.bits === traits.bits &&
      format.chroma === traits.chroma &&
      format.hasAlpha === traits.hasAlpha
    ) {
      return format;
    }
  }
  return null;
}

/** Width and height in samples of plane `index` of a `width` x `height` frame; subsampled sizes round up, as in ffmpeg. */
export function planeSize(
  format: PixelFormat,
  index: number,
  width: number,
  height: number,
): { width: number; height: number } {
  const plane = format.planes[index];
  if (plane === undefined) throw new UpscaleError('INTERNAL', `${format.name} has no plane ${String(index)}`);
  return {
    width: -(-width >> plane.log2Width),
    height: -(-height >> plane.log2Height),
  };
}

/** Bytes of one tightly packed frame, planes one after another without padding: the layout of ffmpeg's `rawvideo`. */
export function frameBytes(format: PixelFormat, width: number, height: number): number {
  let bytes = 0;
  for (let i = 0; i < format.planes.length; i++) {
    const size = planeSize(format, i, width, height);
    bytes += size.width * size.height * format.bytesPerSample;
  }
  return bytes;
}
