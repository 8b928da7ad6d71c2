import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import type { InferPlan } from '../infer/infer-plan.ts';
import { temporalBytes } from '../temporal/blend-temporal.ts';
import type { TemporalPlan } from '../temporal/temporal-plan.ts';

/** Decoded frames that may wait for the network, beyond the temporal window. */
export const DECODE_AHEAD = 2;
/** Upscaled frames that may wait for the encoder. */
export const ENCODE_AHEAD = 1;

/**
 * Bytes of a lane's arena: every frame that can be alive at once, what the stages ask for themselves, and room for the gaps
 * between blocks. The queues are bounded, so this is a bound and not an average.
 */
export function arenaBytes(infer: InferPlan, temporal: TemporalPlan, inferScratch: number): number {
  const input = frameBytes(pixelFormat(infer.input.format), infer.input.width, infer.input.height);
  const output = frameBytes(pixelFormat(infer.output.format), infer.output.width, infer.output.height);
  // Read ahead + one being filled + one inside the network + the window of the temporal stage and its result.
  const inputs = DECODE_AHEAD + 1 + 1 + 1 + (temporal.radius > 0 ? 4 * temporal.radius : 1);
  // One being made, the queue, one being written.
  const outputs = 1 + ENCODE_AHEAD + 1 + 1;
  const { format, width, height } = infer.input;
  const blending = temporalBytes(temporal, pixelFormat(format), width, height);
  const total = inputs * input + outputs * output + blending + inferScratch;
  return Math.ceil(total * 1.05) + 4 * 1024 * 1024;
}
