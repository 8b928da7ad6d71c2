import { createHash } from 'node:crypto';
import type { Capabilities } from '../../ffmpeg/capabilities.ts';
import { PLAN_VERSION, type Plan } from '../../pipeline/plan-schema.ts';

/** All that decides pixels and lies with a machine, not with a plan. */
export interface FleetTraits {
  readonly ffmpeg: string;
  readonly onnxruntime: string;
  readonly device: string;
  /** Sets of instructions of the processor, where models run on it. */
  readonly processor: string;
}

/**
 * The fleet that a machine belongs to: those with one fleet make the same pixels of the same plan. Segments wait in a queue of their fleet, so
 * that other machines never see them.
 */
export function describeFleet({ ffmpeg, onnxruntime, device, processor }: FleetTraits): string {
  const text = JSON.stringify([PLAN_VERSION, ffmpeg, onnxruntime, device, processor]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** What a plan needs of an ffmpeg that this one lacks; null when it has all. Builds of one version may differ. */
export function findMisfit(plan: Plan, capabilities: Capabilities): string | null {
  if (!capabilities.encoders.has(plan.encode.encoder)) return `the encoder ${plan.encode.encoder}`;
  const { decoder, filters } = plan.decode;
  if (decoder !== null && !capabilities.decoders.has(decoder)) return `the decoder ${decoder}`;
  const names = [...filters, ...plan.encode.filters].map((filter) => filter.split(/[=@,]/)[0] ?? '');
  const missing = names.find((name) => name !== '' && !capabilities.filters.has(name));
  return missing === undefined ? null : `the filter ${missing}`;
}
