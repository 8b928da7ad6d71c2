import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import { rescale } from '../core/rational.ts';
import { StreamCutShort } from '../ffmpeg/byte-source.ts';
import { NutReader } from '../ffmpeg/nut-reader.ts';
import { startProcess, type RunningProcess } from '../ffmpeg/process.ts';
import { watchForStall } from '../ffmpeg/stall.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { Arena } from '../kernels/arena.ts';
import { buildDecoderArguments, timestampOffset } from './decoder-arguments.ts';
import { readComplaint } from './decoder-complaints.ts';
import { judgeExit } from './decoder-exit.ts';
import type { DecodePlan, SegmentPlan } from './decode-plan.ts';

/** A frame and what it is to its segment: `lead` and `tail` frames are only there to be looked at. */
export interface DecodedFrame {
  readonly frame: Frame;
  readonly role: 'lead' | 'body' | 'tail';
}

export interface DecodeReport {
  /** Presentation times of the segment's own frames, ticks of the plan's time base. */
  readonly bodyPts: readonly number[];
  /** ffmpeg's complaints about the input, each once. */
  readonly complaints: readonly string[];
  /** ffmpeg ended by itself and without an error, or was stopped because the segment was complete. */
  readonly complete: boolean;
}

export interface DecoderOptions {
  readonly arena: Arena;
  readonly tools: FfmpegTools;
  /** Frames before the segment's first, and after its last, that the consumer wants to see. */
  readonly leadFrames: number;
  readonly tailFrames: number;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

export interface Decoder {
  /** The segment's frames in order. Pull: ffmpeg decodes no further than the pipe's buffer ahead. */
  frames(): AsyncGenerator<DecodedFrame>;
  /** What was seen; complete once the generator has ended. */
  report(): DecodeReport;
}

const MOST_COMPLAINTS = 50;
/** How much further back the second seek goes when the first one landed too near to the segment. */
const SECOND_SEEK_SECONDS = 10;

/**
 * Decodes one segment of a source. Damaged input yields what decodes, and the report says so. Throws `SOURCE_DAMAGED` when the whole
 * source gives no frame at all, `DECODER_FAILED` when ffmpeg cannot run the plan.
 */
export function openDecoder(plan: DecodePlan, segment: SegmentPlan, options: DecoderOptions): Decoder {
  const bodyPts: number[] = [];
  const complaints = new Set<string>();
  const state = { complete: false };
  const onStderrLine = (line: string): void => {
    const complaint = readComplaint(line, plan.streamIndex);
    if (complaint !== null && complaints.size < MOST_COMPLAINTS) complaints.add(complaint);
  };

  async function* frames(): AsyncGenerator<DecodedFrame> {
    const seekPts = segment.startPts === null ? null : segment.seekPts;
    if (seekPts !== null) {
      // A seek that landed late, or with too few frames before the border, must never lose a frame.
      const back = Math.ceil((SECOND_SEEK_SECONDS * plan.timeBase.den) / plan.timeBase.num);
      for (const pts of [seekPts, seekPts - back]) {
        if ((yield* decodeFrom(pts)) === 'done') return;
      }
    }
    yield* decodeFrom(null);
  }

  async function* decodeFrom(seekPts: number | null): AsyncGenerator<DecodedFrame, 'done' | 'late'> {
    throwIfAborted(options.signal);
    complaints.clear();
    const waiting: Frame[] = [];
    try {
      return yield* sortFrames(readFrames(seekPts), { waiting, seekPts });
    } finally {
      for (const frame of waiting) frame.dispose();
    }
  }

  async function* sortFrames(
    source: AsyncGenerator<Frame>,
    o: { waiting: Frame[]; seekPts: number | null },
  ): AsyncGenerator<DecodedFrame, 'done' | 'late'> {
    const start = segment.startPts ?? Number.NEGATIVE_INFINITY;
    const end = segment.endPts ?? Number.POSITIVE_INFINITY;
    // The first frames behind a seek have no true neighbours before them for the filters to look at.
    const wanted = Math.max(1, options.leadFrames + plan.filterMargin * plan.framesPerInput);
    // Pictures shown before the key frame may lean on ones that were not decoded (open GOP).
    const reliable = o.seekPts ?? Number.NEGATIVE_INFINITY;
    let before = 0;
    let tail = 0;
    let started = false;
    for await (const frame of source) {
      if (frame.pts < reliable) {
        frame.dispose();
        continue;
      }
      if (frame.pts < start) {
        o.waiting.push(frame);
        before++;
        if (o.waiting.length > options.leadFrames) o.waiting.shift()?.dispose();
        continue;
      }
      if (!started) {
        started = true;
        if (o.seekPts !== null && before < wanted) {
          frame.dispose();
          return 'late';
        }
        // Until its turn comes, the first frame waits where it is freed when the consumer leaves.
        o.waiting.push(frame);
        while (o.waiting.length > 1) {
          const next = o.waiting.shift();
          if (next !== undefined) yield { frame: next, role: 'lead' };
        }
        o.waiting.pop();
      }
      if (frame.pts >= end) {
        if (tail >= options.tailFrames) {
          frame.dispose();
          state.complete = true;
          return 'done';
        }
        tail++;
        yield { frame, role: 'tail' };
        if (tail >= options.tailFrames) {
          state.complete = true;
          return 'done';
        }
        continue;
      }
      bodyPts.push(frame.pts);
      yield { frame, role: 'body' };
    }
    return started || o.seekPts === null ? 'done' : 'late';
  }

  /** All frames from a seek on, in order. A decoder that hangs is run again with one thread, which cannot lock up. */
  async function* readFrames(seekPts: number | null): AsyncGenerator<Frame> {
    const progress: Progress = { delivered: 0, lastPts: Number.NEGATIVE_INFINITY };
    if (yield* readProcess(plan, seekPts, progress)) return;
    complaints.add('The decoder hung and was run again with one thread.');
    if (yield* readProcess({ ...plan, threads: 1 }, seekPts, progress)) return;
    throw new UpscaleError('DECODER_FAILED', `ffmpeg stopped working while decoding ${plan.path}.`, {
      hint: 'Try another version of ffmpeg with --ffmpeg PATH.',
      retryable: true,
    });
  }

  /**
   * Frames of one process, those that were delivered before left out; awaits its exit at the end, which replaces a silent short read.
   * Returns false when it hung.
   */
  async function* readProcess(
    run: DecodePlan,
    seekPts: number | null,
    progress: Progress,
  ): AsyncGenerator<Frame, boolean> {
    const child = startProcess(options.tools.ffmpeg, buildDecoderArguments(run, seekPts, options.tools), {
      label: 'decoder',
      stdin: 'ignore',
      stdout: 'pipe',
      signal: options.signal,
      logger: options.logger ?? silentLogger,
      onStderrLine,
    });
    const hang = { found: false };
    const watch = watchForStall(child.pid, () => {
      hang.found = true;
      void child.stop();
    });
    try {
      watch.expect(true);
      for await (const frame of readStream(child, progress)) {
        progress.delivered++;
        progress.lastPts = frame.pts;
        watch.expect(false);
        yield frame;
        watch.expect(true);
      }
      const exit = await child.exited;
      throwIfAborted(options.signal);
      if (hang.found) return false;
      const { delivered } = progress;
      const verdict = judgeExit(exit, { path: plan.path, delivered, fromStart: seekPts === null });
      if (verdict === null) state.complete = true;
      else complaints.add(verdict);
      return true;
    } finally {
      watch.end();
      await child.stop();
    }
  }

  /** Frames out of a process's pipe, as far as they are whole. */
  async function* readStream(child: RunningProcess, progress: Progress): AsyncGenerator<Frame> {
    if (child.stdout === null) throw new UpscaleError('INTERNAL', 'The decoder has no stdout.');
    const format = pixelFormat(plan.format);
    const size = frameBytes(format, plan.width, plan.height);
    const reader = new NutReader(child.stdout);
    const offset = timestampOffset(plan.timeBase).ticks;
    const after = progress.lastPts;
    let last = Number.NEGATIVE_INFINITY;
    try {
      const header = await reader.readHeader();
      for (let next = await reader.nextFrame(); next !== null; next = await reader.nextFrame()) {
        if (next.size !== size) {
          throw new UpscaleError(
            'DECODER_FAILED',
            `The decoder gave a frame of ${next.size} bytes where ${plan.width}x${plan.height} ${plan.format} has ${size}.`,
          );
        }
        const told = rescale(next.pts, header.timeBase, plan.timeBase) - offset;
        if (told <= after) continue;
        // A time that is given twice goes to the first frame; no container holds two at one.
        const pts = Math.max(told, last + 1);
        last = pts;
        const frame = options.arena.allocateFrame(format, plan.width, plan.height, pts);
        try {
          await reader.readFrame(options.arena.bytes(frame.offset, frame.byteLength));
        } catch (error) {
          frame.dispose();
          throw error;
        }
        yield frame;
      }
    } catch (error) {
      if (!(error instanceof StreamCutShort)) throw error;
    }
  }

  return { frames, report: () => ({ bodyPts, complaints: [...complaints], complete: state.complete }) };
}

interface Progress {
  delivered: number;
  lastPts: number;
}
