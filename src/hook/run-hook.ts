import { formatRational } from '../core/rational.ts';
import type { HookJob } from './read-job.ts';
import type { CallOptions, Upscale } from './upscale-call.ts';

/** What a host is told of a finished job, as one line of JSON. */
export interface HookResult {
  readonly ok: true;
  readonly source: string;
  readonly output: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** `30000/1001`; null where nothing tells. */
  readonly frameRate: string | null;
  /** Of the first frame; a semicolon means drop-frame. */
  readonly timecode: string | null;
  readonly reel: string | null;
  readonly bytes: number;
  readonly seconds: number;
  /** The output was held against the source and nothing was found missing or wrong. */
  readonly verified: boolean;
  /** The source was damaged, and what could be decoded is in the output. */
  readonly damaged: boolean;
  readonly warnings: readonly string[];
}

/** Upscales what an editor has written. Throws what `upscale` throws. */
export async function runHook(job: HookJob, upscale: Upscale, call: CallOptions = {}): Promise<HookResult> {
  const { result, verify } = await upscale(job.file, job.request, call);
  const { assemble, encode, frameRate, source } = result.plan;
  const failed = verify?.rows.filter(({ status }) => status === 'failed') ?? [];
  return {
    ok: true,
    source: source.path,
    output: result.output,
    width: encode.width,
    height: encode.height,
    frames: result.frames,
    frameRate: frameRate === null ? null : formatRational(frameRate),
    timecode: assemble.timecode?.text ?? null,
    reel: assemble.timecode?.reel ?? null,
    bytes: result.bytes,
    seconds: Math.round(result.seconds * 10) / 10,
    verified: verify?.ok ?? false,
    damaged: result.damage !== null,
    warnings: [
      ...result.notices.filter(({ level }) => level === 'warning').map(({ message }) => message),
      ...failed.map(({ check, expected, actual }) => `${check}: expected ${expected}, found ${actual}`),
    ],
  };
}
