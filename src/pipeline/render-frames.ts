import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import type { LanePool } from './lane-pool.ts';
import type { LocatedFrame, LocateOptions } from './locate-frame.ts';
import type { Plan } from './plan-schema.ts';
import { cutPiece } from './segments.ts';

/**
 * Upscales single frames into pictures in `directory`, by a plan whose encoder writes pictures. Each is a segment of its own, so that
 * filters see their true neighbours.
 *
 * @throws UpscaleError what a run throws
 */
export async function renderFrames(
  plan: Plan,
  frames: readonly LocatedFrame[],
  directory: string,
  options: LocateOptions & { readonly pool: LanePool },
): Promise<{ readonly files: readonly string[]; readonly device: string }> {
  const { pool, tools, signal, logger } = options;
  const segments = frames.map(({ pts }, index) =>
    cutPiece(plan.source.video, plan.decode, {
      index,
      startPts: pts,
      endPts: pts + 1,
      leadFrames: plan.temporal.radius,
    }),
  );
  const files: string[] = [];
  let device = '';
  for (const { index } of segments) {
    const result = await pool.run({
      plan: { ...plan, segments },
      tools,
      index,
      directory,
      signal: signal ?? new AbortController().signal,
      onMessage: (message) => message.type === 'log' && logger?.[message.level](message.message),
    });
    const [picture] = (await readdir(result.path)).sort();
    if (picture === undefined)
      throw new UpscaleError('INTERNAL', 'A frame that was found did not decode again.');
    files.push(path.join(result.path, picture));
    device = result.device;
  }
  return { files, device };
}
