import type { Color } from '../../core/color.ts';
import type { Frame } from '../../core/frame.ts';
import { pipeBytes } from '../../ffmpeg/pipe-bytes.ts';
import { scaleMatrix } from '../../ffmpeg/scale-matrix.ts';
import type { FfmpegTools } from '../../ffmpeg/tools.ts';
import type { Arena } from '../../kernels/arena.ts';

/** A frame's samples, taken out of the arena, and how they mean colours. */
interface KeptFrame {
  readonly bytes: Uint8Array;
  readonly format: string;
  readonly bits: number;
  readonly width: number;
  readonly height: number;
}

interface KeptPair {
  readonly frame: number;
  readonly time: number;
  readonly psnrY: number;
  readonly reference: KeptFrame;
  readonly output: KeptFrame;
}

/** The pictures of one pair, as PNG files. */
export interface DrawnPair {
  readonly frame: number;
  /** Seconds after the first frame. */
  readonly time: number;
  readonly psnrY: number;
  readonly reference: Buffer;
  readonly output: Buffer;
  /** Luma's difference, eight times as strong; grey. */
  readonly difference: Buffer;
}

interface DrawOptions {
  readonly tools: FfmpegTools;
  readonly signal?: AbortSignal | undefined;
}

const AMPLIFIED = 8;
/** Of frames that follow each other only one is kept: they show the same. */
const APART = 12;
/** Wider pictures are brought down to this, so that pages stay small. */
const WIDEST = 1920;

/** Keeps the pairs of frames that are least alike while all are gone through. */
export class WorstFrames {
  readonly #most: number;
  #color: Color | null = null;
  #kept: KeptPair[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Looks at a pair, in one matrix and range; it is copied if it is among the worst so far. */
  offer(
    {
      reference,
      output,
      ...pair
    }: Pick<KeptPair, 'frame' | 'time' | 'psnrY'> & {
      readonly reference: Frame;
      readonly output: Frame;
    },
    arena: Arena,
    color: Color,
  ): void {
    const near = this.#kept.find(({ frame }) => pair.frame - frame < APART);
    const beaten = near ?? (this.#kept.length < this.#most ? null : this.#kept.at(-1));
    if (beaten !== null && pair.psnrY >= (beaten?.psnrY ?? -Infinity)) return;
    this.#color = color;
    const kept = { ...pair, reference: copyFrame(reference, arena), output: copyFrame(output, arena) };
    const others = this.#kept.filter((other) => other !== beaten);
    this.#kept = [...others, kept].sort((a, b) => a.psnrY - b.psnrY);
  }

  /** The pictures of the kept pairs, the worst first. */
  async draw(options: DrawOptions): Promise<DrawnPair[]> {
    const drawn: DrawnPair[] = [];
    for (const { frame, time, psnrY, reference, output } of this.#kept) {
      drawn.push({
        ...{ frame, time, psnrY },
        reference: await drawFrame(reference, this.#color, options),
        output: await drawFrame(output, this.#color, options),
        difference: await drawDifference(reference, output, options),
      });
    }
    return drawn;
  }
}

function copyFrame(frame: Frame, arena: Arena): KeptFrame {
  const { format } = frame;
  const [luma] = frame.planes;
  return {
    bytes: arena.bytes(frame.offset, frame.byteLength).slice(),
    format: format.name,
    bits: format.bits,
    width: luma?.width ?? 0,
    height: luma?.height ?? 0,
  };
}

async function drawFrame(
  { bytes, format, width, height }: KeptFrame,
  color: Color | null,
  options: DrawOptions,
): Promise<Buffer> {
  const matrix = scaleMatrix(color?.matrix ?? 'unknown');
  const from = `${matrix === null ? '' : `in_color_matrix=${matrix}:`}in_range=${color?.range === 'pc' ? 'pc' : 'tv'}`;
  return drawPng(bytes, { format, width, height, colors: `:${from}:out_range=pc` }, options);
}

async function drawPng(
  bytes: Uint8Array,
  {
    format,
    width,
    height,
    colors = '',
  }: Pick<KeptFrame, 'format' | 'width' | 'height'> & { readonly colors?: string },
  { tools, signal }: DrawOptions,
): Promise<Buffer> {
  const across = Math.min(WIDEST, width);
  const size = `${String(across)}:${String(Math.max(1, Math.round((height * across) / width)))}`;
  const scale = `scale=${size}${colors}:flags=bicubic+accurate_rnd+full_chroma_int`;
  return pipeBytes(tools, bytes, {
    input: ['-f', 'rawvideo', '-pix_fmt', format, '-s', `${String(width)}x${String(height)}`],
    output: ['-vf', `${scale},format=rgb24`, '-c:v', 'png', '-f', 'image2pipe'],
    what: 'drawing a frame',
    signal,
  });
}

/** Luma is the first plane, without padding. */
async function drawDifference(a: KeptFrame, b: KeptFrame, options: DrawOptions): Promise<Buffer> {
  const [own, other] = [readLuma(a), readLuma(b)];
  const pixels = Uint8Array.from(own, (value, i) => {
    const difference = Math.abs(value * 2 ** (8 - a.bits) - (other[i] ?? 0) * 2 ** (8 - b.bits));
    return Math.min(255, Math.round(AMPLIFIED * difference));
  });
  return drawPng(pixels, { format: 'gray', width: a.width, height: a.height }, options);
}

function readLuma({ bytes, bits, width, height }: KeptFrame): Uint8Array | Uint16Array {
  const samples = width * height;
  return bits > 8 ? new Uint16Array(bytes.buffer, bytes.byteOffset, samples) : bytes.subarray(0, samples);
}
