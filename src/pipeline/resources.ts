import { UpscaleError } from '../core/errors.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import type { DecodePlan } from '../decode/decode-plan.ts';
import type { Resources } from './plan-schema.ts';

const MIB = 1024 * 1024;

/** Resident bytes of the main thread with its libraries loaded, and of each worker's own heap and onnxruntime. Measured by `npm run bench`. */
export const BASE_BYTES = 110 * MIB;
export const WORKER_BYTES = 60 * MIB;
/** Share of the available memory that a run takes when `--memory` does not say. */
const DEFAULT_SHARE = 0.7;

/** Bytes that the run may use. */
export function memoryLimit(asked: number | undefined, availableBytes: number): number {
  return asked ?? Math.floor(availableBytes * DEFAULT_SHARE);
}

/**
 * What several lanes may take together: a second lane gains nothing that is worth filling a machine's memory for, since at sizes where it
 * would the encoder keeps all cores busy by itself.
 */
export function comfortableMemory(limitBytes: number): number {
  return Math.min(limitBytes, Math.max(3.5e9, limitBytes / 5));
}

/**
 * Lanes to try first: one a core on small machines, fewer and with several threads each on large ones, where the encoders use the rest;
 * one on an accelerator, whose sessions would only queue.
 */
export function preferredLanes(cores: number, device: string): number {
  if (device !== 'cpu' && device !== 'auto') return 1;
  return cores <= 4 ? cores : Math.ceil(cores / 2);
}

/** Resident bytes that one lane of a plan takes beyond the main thread. */
export function laneBytes({ arenaBytes, inferenceBytes, encoderBytes, decoderBytes }: Resources): number {
  return WORKER_BYTES + arenaBytes + inferenceBytes + encoderBytes + decoderBytes;
}

/** Resident bytes of a decoding ffmpeg: itself, its reference and reordering frames and those of its filters and pipe. */
export function decoderBytes(
  decode: DecodePlan,
  source: { width: number; height: number },
  threads: number,
): number {
  const format = pixelFormat(decode.format);
  const frame = frameBytes(format, source.width, source.height);
  const frames = 16 + 2 * threads + decode.filters.length * 2;
  return 30 * MIB + frames * frame;
}

/** Throws `MEMORY_BUDGET` when even one lane with small tiles does not fit. */
export function refuseMemory(neededBytes: number, limitBytes: number): never {
  throw new UpscaleError(
    'MEMORY_BUDGET',
    `The run needs ${formatMib(neededBytes)} of memory and may use ${formatMib(limitBytes)}.`,
    {
      hint: 'Free memory, allow more with --memory, or choose a smaller output or a faster --encoder-preset.',
    },
  );
}

function formatMib(bytes: number): string {
  return `${String(Math.ceil(bytes / MIB))} MiB`;
}
