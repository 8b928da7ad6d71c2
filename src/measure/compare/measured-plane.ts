import type { Frame } from '../../core/frame.ts';
import type { PlaneRole } from '../../core/pixel-format.ts';
import type { Arena } from '../../kernels/arena.ts';
import type { Samples } from '../fidelity/band-energy.ts';

/** A plane's samples and size. */
export interface MeasuredPlane {
  readonly samples: Samples;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
}

/** A copy of a frame's plane; null where it has none of that kind. */
export function copyPlane({ format, planes }: Frame, role: PlaneRole, arena: Arena): MeasuredPlane | null {
  const plane = planes[format.planes.findIndex((layout) => layout.role === role)];
  if (plane === undefined) return null;
  const { offset, width, height } = plane;
  const view = format.bits > 8 ? arena.words(offset, width * height) : arena.bytes(offset, width * height);
  return { samples: view.slice(), width, height, bits: format.bits };
}

/** Sum of squared differences in 8-bit code values. */
export function sumSquares(a: MeasuredPlane, b: MeasuredPlane): number {
  const [scaleA, scaleB] = [2 ** (8 - a.bits), 2 ** (8 - b.bits)];
  let squares = 0;
  for (let i = 0; i < a.samples.length; i++) {
    const difference = (a.samples[i] ?? 0) * scaleA - (b.samples[i] ?? 0) * scaleB;
    squares += difference * difference;
  }
  return squares;
}

/** The same samples at another depth. */
export function toBits(plane: MeasuredPlane, bits: number): MeasuredPlane {
  if (plane.bits === bits) return plane;
  const scale = 2 ** (bits - plane.bits);
  const most = 2 ** bits - 1;
  const scaled = Array.from(plane.samples, (value) => Math.min(most, Math.round(value * scale)));
  return { ...plane, bits, samples: bits > 8 ? Uint16Array.from(scaled) : Uint8Array.from(scaled) };
}
