import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { gatherFieldEvidence, type FrameEvidence } from './field-evidence.ts';
import type { FieldKind, PacketScan } from './source.ts';

/** Interlaced video has at least this many lines. */
const LEAST_LINES = 240;
/** Above standard definition only 1080 lines (coded as up to 1088, or 1035 of old) were ever interlaced. */
const MOST_SD_LINES = 640;
const HD_LINES = [1020, 1088] as const;
const FRAMES_PER_SPOT = 25;
const FRAMES_OF_ONE_SPOT = 50;
/** Seconds from which on a look at the start alone says too little. */
const LONG = 8;

/** Where to look for fields, and whether: null where a look can tell nothing. */
export function chooseSpots(
  tagged: FieldKind,
  facts: { readonly height: number; readonly scan: PacketScan; readonly seconds: number | null },
): { spots: readonly number[]; framesPerSpot: number } | null {
  const { height, scan, seconds } = facts;
  const possible =
    (height >= LEAST_LINES && height <= MOST_SD_LINES) || (height >= HD_LINES[0] && height <= HD_LINES[1]);
  if (scan.frames < 3 || !(possible || tagged === 'tff' || tagged === 'bff')) return null;
  // In damaged files and where times jump, seeking may land anywhere.
  if (seconds === null || seconds < LONG || !scan.complete) {
    return { spots: [0], framesPerSpot: FRAMES_OF_ONE_SPOT };
  }
  return { spots: [0, seconds / 4, (seconds * 3) / 4], framesPerSpot: FRAMES_PER_SPOT };
}

/** Looks at frames where fields are possible: at the start, and for longer files at a quarter and at three quarters. */
export async function lookAtFields(
  file: string,
  tagged: FieldKind,
  facts: {
    readonly index: number;
    readonly width: number;
    readonly height: number;
    readonly scan: PacketScan;
    readonly seconds: number | null;
  },
  options: {
    readonly tools: FfmpegTools;
    readonly inputOptions: readonly string[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<FrameEvidence[][]> {
  const where = chooseSpots(tagged, facts);
  if (where === null) return [];
  const { index, width, height } = facts;
  return gatherFieldEvidence(file, { ...options, ...where, streamIndex: index, width, height });
}
