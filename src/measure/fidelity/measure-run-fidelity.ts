import { pixelFormat } from '../../core/pixel-format.ts';
import { rescale, toNumber } from '../../core/rational.ts';
import type { SegmentPlan } from '../../decode/decode-plan.ts';
import { probe } from '../../decode/probe.ts';
import { Arena } from '../../kernels/arena.ts';
import { loadKernels, type Kernels } from '../../kernels/kernels.ts';
import { cutPiece } from '../../pipeline/segments.ts';
import type { Plan } from '../../pipeline/plan-schema.ts';
import type { UpscaleResult } from '../../pipeline/upscale-result.ts';
import { blendTemporal } from '../../temporal/blend-temporal.ts';
import type { TemporalPlan } from '../../temporal/temporal-plan.ts';
import { pairFrames } from '../pair-frames.ts';
import type { ReadOptions } from '../read-packets.ts';
import { frameStep, planYuvReading, readYuvFrames, takeBodies, type YuvReading } from '../yuv-frames.ts';
import { countBytes, FidelityComparison, fieldsFor, type MeasuredFidelity } from './measure-fidelity.ts';

/** What a run's report says of fidelity. */
export interface RunFidelity extends MeasuredFidelity {
  /** Luma against the frames that the model got, where those were blended over time; else null. */
  readonly blended: number | null;
}

/** Frames that are looked at in one place, and where the places begin, 0..1 of the film. */
const LENGTH = 4;
const PLACES = [0, 0.3, 0.6, 0.9];

const UNTOUCHED: TemporalPlan = { strength: 'off', radius: 0 };

/**
 * Measures a few frames at several places of what a run delivered against its source; at the start alone where one of the files cannot be
 * entered elsewhere. Throws what probing and decoding throw.
 */
export async function measureRunFidelity(
  { plan, pts, output }: Pick<UpscaleResult, 'plan' | 'pts' | 'output'>,
  read: ReadOptions,
): Promise<RunFidelity> {
  const source = readingOfRun(plan);
  const delivered = await probe(output, { ...read, inputFrameRate: plan.frameRate ?? undefined });
  const other = planYuvReading(delivered, { like: source.color });
  const windows = chooseWindows(plan, pts, source, other);
  const { temporal } = plan;
  const arena = new Arena(countBytes(source, other, temporal));
  const lane = { arena, kernels: await loadKernels(arena), source, other, windows, read };
  const own = await compareWindows(lane, UNTOUCHED);
  if (temporal.radius === 0) return { ...own, blended: null };
  const blended = await compareWindows(lane, temporal);
  return { ...own, blended: blended.report.consistency.y };
}

/** The source as the run decoded it, or in YUV what it decoded to RGB. */
function readingOfRun({ source, decode, infer }: Plan): YuvReading {
  const format = pixelFormat(decode.format);
  if (format.family === 'yuv') return { source, decode, format, color: infer.input.color };
  return planYuvReading(source, { deinterlace: fieldsFor(source, decode.framesPerInput === 2) });
}

interface Window {
  /** Number of its first frame. */
  readonly first: number;
  readonly source: SegmentPlan;
  readonly output: SegmentPlan;
}

function chooseWindows(plan: Plan, pts: readonly number[], source: YuvReading, output: YuvReading): Window[] {
  const isSeekable = [source, output].every(
    ({ source: { kind }, decode }) => kind === 'file' && decode.seek === 'keyframe',
  );
  const length = isSeekable ? LENGTH : LENGTH * PLACES.length;
  const most = Math.max(0, pts.length - length);
  const firsts = isSeekable ? PLACES.map((place) => Math.floor(place * pts.length)) : [0];
  const { firstPts, frames, step } = output.source.video.scan;
  return [...new Set(firsts.map((first) => Math.min(first, most)))].map((first) => {
    const last = Math.min(pts.length, first + length) - 1;
    const half = (step?.median ?? 1) >> 1;
    const outputPts = (frame: number): number =>
      (firstPts ?? 0) +
      rescale((pts[frame] ?? 0) - (pts[0] ?? 0), plan.decode.timeBase, output.decode.timeBase);
    const isStart = first === 0;
    return {
      first,
      source: cutPiece(source.source.video, source.decode, {
        index: 0,
        startPts: isStart ? (plan.segments[0]?.startPts ?? null) : (pts[first] ?? 0),
        endPts: (pts[last] ?? 0) + 1,
        leadFrames: plan.temporal.radius,
      }),
      output: cutPiece(output.source.video, output.decode, {
        index: 0,
        startPts: isStart ? null : outputPts(first) - half,
        endPts: isSeekable || frames > length ? outputPts(last) + Math.max(1, half) : null,
        leadFrames: 0,
      }),
    };
  });
}

async function compareWindows(
  lane: {
    readonly arena: Arena;
    readonly kernels: Kernels;
    readonly source: YuvReading;
    readonly other: YuvReading;
    readonly windows: readonly Window[];
    readonly read: ReadOptions;
  },
  temporal: TemporalPlan,
): Promise<MeasuredFidelity> {
  const { arena, source, other, windows, read } = lane;
  const comparison = new FidelityComparison(lane, source, other);
  try {
    for (const window of windows) {
      const decoded = readYuvFrames(source, {
        ...read,
        arena,
        piece: window.source,
        neighbours: temporal.radius,
      });
      const pairs = pairFrames(
        blendTemporal(decoded, temporal, lane),
        takeBodies(readYuvFrames(other, { ...read, arena, piece: window.output })),
        {
          referenceTick: toNumber(source.decode.timeBase),
          outputTick: toNumber(other.decode.timeBase),
          tolerance: frameStep(source) / 2,
          counts: { paired: 0, unpaired: 0 },
        },
      );
      for await (const { reference, output, index, time } of pairs) {
        comparison.add(reference, output, window.first + index, time);
      }
    }
    return comparison.finish(temporal.strength);
  } finally {
    comparison.dispose();
  }
}
