import { buildArguments } from '../ffmpeg/command.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';

/** Code values by which a top-field sample must change over time to count as moving. */
const MOTION = 6;
/** Fewer moving samples than this say nothing about a frame. */
const LEAST_MOVING_IN_FRAME = 50;
/** Parts of a frame across and down that are judged by themselves, and the mean error of one above which it counts less. */
const PARTS = 12;
const USUAL_ERROR = 12;
/** Columns beyond this are thinned out: fields differ in lines, not in columns. */
const MOST_COLUMNS = 240;

/**
 * What the moving parts of one frame say. The bottom field's lines are predicted from the top field's lines above and below: of the same
 * frame, and of the mean of the same frame and the next (right for top field first) or the one before (right for bottom field first).
 */
export interface FrameEvidence {
  readonly moving: number;
  /** Sums of absolute prediction errors. */
  readonly whole: number;
  readonly topFirst: number;
  readonly bottomFirst: number;
}

/**
 * Looks at the frame in the middle of three, `width` x `height` luma samples each. Parts of the frame whose errors are far above what moving pictures
 * leave count less: counters and burnt-in timecode that change in whole frames would outvote the fields of all the rest.
 */
export function examineFrame(
  before: Uint8Array,
  frame: Uint8Array,
  after: Uint8Array,
  width: number,
  height: number,
): FrameEvidence {
  const evidence = { moving: 0, whole: 0, topFirst: 0, bottomFirst: 0 };
  const [across, down] = [Math.ceil(width / PARTS), Math.ceil(height / PARTS)];
  for (let top = 0; top < height; top += down) {
    for (let left = 0; left < width; left += across) {
      const area = { left, top, right: Math.min(left + across, width), bottom: Math.min(top + down, height) };
      const part = examinePart(before, frame, after, { width, height, ...area });
      const largest = Math.max(part.whole, part.topFirst, part.bottomFirst) / Math.max(1, part.moving);
      const share = Math.min(1, USUAL_ERROR / Math.max(1, largest));
      evidence.moving += part.moving;
      evidence.whole += share * part.whole;
      evidence.topFirst += share * part.topFirst;
      evidence.bottomFirst += share * part.bottomFirst;
    }
  }
  return evidence;
}

interface Area {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function examinePart(before: Uint8Array, frame: Uint8Array, after: Uint8Array, area: Area): FrameEvidence {
  const { width, height } = area;
  const evidence = { moving: 0, whole: 0, topFirst: 0, bottomFirst: 0 };
  const first = Math.max(3, area.top + ((area.top + 1) % 2));
  for (let y = first; y < Math.min(area.bottom, height - 3); y += 2) {
    for (let at = y * width + area.left, end = y * width + area.right; at < end; at++) {
      const now = (Number(frame[at - width]) + Number(frame[at + width])) / 2;
      const past = (Number(before[at - width]) + Number(before[at + width])) / 2;
      const next = (Number(after[at - width]) + Number(after[at + width])) / 2;
      if (Math.abs(past - now) < MOTION && Math.abs(next - now) < MOTION) continue;
      const value = Number(frame[at]);
      evidence.moving++;
      evidence.whole += Math.abs(value - now);
      evidence.topFirst += Math.abs(value - (now + next) / 2);
      evidence.bottomFirst += Math.abs(value - (now + past) / 2);
    }
  }
  return evidence;
}

export interface LookOptions {
  readonly tools: FfmpegTools;
  readonly inputOptions: readonly string[];
  readonly streamIndex: number;
  readonly width: number;
  readonly height: number;
  /** Seconds from the start of the file where stretches begin. */
  readonly spots: readonly number[];
  readonly framesPerSpot: number;
  readonly signal?: AbortSignal | undefined;
}

/** Looks at a few stretches of frames, side by side; frames in which nothing moves are left out. A stretch that does not decode counts nothing. */
export async function gatherFieldEvidence(path: string, options: LookOptions): Promise<FrameEvidence[][]> {
  return Promise.all(options.spots.map((spot) => examineSpot(path, spot, options)));
}

async function examineSpot(path: string, spot: number, options: LookOptions): Promise<FrameEvidence[]> {
  const { height } = options;
  const width = Math.min(options.width, MOST_COLUMNS);
  const child = startProcess(
    options.tools.ffmpeg,
    buildArguments({
      global: ['-v', 'error'],
      inputs: [
        {
          path,
          // One thread a stretch: they run side by side, and old versions can lock up in their threads on damaged streams.
          options: [
            // The nearest key frame will do.
            ...(spot > 0 ? ['-noaccurate_seek', '-ss', spot.toFixed(3)] : []),
            '-noautorotate',
            '-threads',
            '1',
            ...options.inputOptions,
          ],
        },
      ],
      outputs: [
        {
          path: 'pipe:1',
          options: [
            ...[
              '-map',
              `0:${String(options.streamIndex)}`,
              '-frames:v',
              String(options.framesPerSpot),
              ...keepFrameTimes(options.tools),
            ],
            ...['-vf', `scale=${String(width)}:${String(height)}:flags=area,format=gray`],
            ...['-c:v', 'rawvideo', '-f', 'rawvideo'],
          ],
        },
      ],
    }),
    { label: 'field analysis', stdin: 'ignore', stdout: 'pipe', signal: options.signal },
  );
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await child.exited;
  const all = Buffer.concat(chunks);
  const size = width * height;
  const frames = Array.from({ length: Math.floor(all.length / size) }, (_, i) =>
    all.subarray(i * size, (i + 1) * size),
  );
  const evidence: FrameEvidence[] = [];
  for (let i = 1; i < frames.length - 1; i++) {
    const [before, frame, after] = [frames[i - 1], frames[i], frames[i + 1]];
    if (before === undefined || frame === undefined || after === undefined) break;
    evidence.push(examineFrame(before, frame, after, width, height));
  }
  return evidence;
}

/** Whether enough moves in a frame to tell anything. */
export function isTelling(evidence: FrameEvidence): boolean {
  return evidence.moving >= LEAST_MOVING_IN_FRAME && evidence.whole > 0;
}
