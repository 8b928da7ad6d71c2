import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import type { EncodePlan } from '../encode/encode-plan.ts';
import { openEncoder } from '../encode/encoder.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { Arena } from '../kernels/arena.ts';
import { fillBlack } from '../pipeline/stack-frames.ts';

/** Beyond the frame, for the gaps between blocks. */
const SPARE_BYTES = 1 << 16;

/** A movie of one black frame, which players show where nothing of the source decodes: they stop at holes. */
export async function encodeBlack(
  plan: EncodePlan,
  { tools, directory }: { readonly tools: FfmpegTools; readonly directory: string },
): Promise<Buffer> {
  const format = pixelFormat(plan.inputFormat);
  const arena = new Arena(frameBytes(format, plan.width, plan.height) + SPARE_BYTES);
  const file = path.join(directory, `black.${plan.segmentExtension}`);
  const encoder = await openEncoder(plan, file, { arena, tools });
  try {
    const frame = arena.allocateFrame(format, plan.width, plan.height, 0);
    fillBlack(arena, frame);
    await encoder.write(frame);
    await encoder.finish();
    return await readFile(file);
  } finally {
    await encoder.abort();
    await rm(file, { force: true });
  }
}
