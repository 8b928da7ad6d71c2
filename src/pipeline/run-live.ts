import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { rescale } from '../core/rational.ts';
import { StreamCutShort } from '../ffmpeg/byte-source.ts';
import { NutReader } from '../ffmpeg/nut-reader.ts';
import { NutWriter } from '../ffmpeg/nut-writer.ts';
import { describeFailure, startProcess, type RunningProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { InferPlan, ModelFacts } from '../infer/infer-plan.ts';
import { Arena } from '../kernels/arena.ts';
import { loadKernels } from '../kernels/kernels.ts';
import { buildLiveReader, buildLiveWriter, LIVE_TIME_BASE } from './live-commands.ts';
import { LIVE_FORMAT, LiveModels } from './live-models.ts';
import { LivePace } from './live-pace.ts';
import { LiveSound } from './live-sound.ts';
import { FrameStack } from './stack-frames.ts';

/** What is done with a live source; plain JSON, decided before it is opened. */
export interface LivePlan {
  readonly source: string;
  readonly destination: string;
  /** Best first; the next one is taken when the machine does not keep up. */
  readonly models: readonly ModelFacts[];
  readonly magnification: number;
  readonly device: InferPlan['device'];
  readonly threads: number;
  /** Whether the source's frame is encoded below the upscaled one. */
  readonly beside: boolean;
}

/** How a live stream stands. */
export interface LiveState {
  readonly model: string;
  /** Of the source and of what is made of it. */
  readonly source: { readonly width: number; readonly height: number };
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly dropped: number;
  /** Seconds behind the source, without what the network and the player add. */
  readonly lag: number;
  readonly hasSound: boolean;
}

export interface RunLiveOptions {
  readonly tools: FfmpegTools;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onState: (state: LiveState) => void;
}

/** Milliseconds between two reports. */
const REPORT_EVERY = 500;
/**
 * Upscales a source that has no end, until it ends or `signal` is aborted: one segment without an end. Frames that come while there is no
 * time for them are left out, so that what is shown never falls behind.
 *
 * @throws UpscaleError `SOURCE_UNREADABLE`, `ENCODER_FAILED`, and what models throw; `ABORTED` is no error here
 */
export async function runLive(plan: LivePlan, options: RunLiveOptions): Promise<LiveState | null> {
  const { signal, tools, logger } = options;
  let state: LiveState | null = null;
  for (const withSound of [true, false]) {
    const words: string[] = [];
    const reader = startProcess(tools.ffmpeg, buildLiveReader(plan.source, { withSound, tools }), {
      label: 'live reader',
      stdin: plan.source === '-' ? 'inherit' : 'ignore',
      stdout: 'pipe',
      extra: withSound,
      signal,
      logger,
      onStderrLine: (line) => words.push(line),
    });
    try {
      state = await new LiveRun(plan, options).run(reader, withSound);
      return state;
    } catch (error) {
      const hasNoSound = withSound && words.some((line) => /matches no streams/.test(line));
      if (signal.aborted) return state;
      if (!hasNoSound) throw error;
    } finally {
      await reader.stop();
    }
  }
  return state;
}

class LiveRun {
  readonly #plan: LivePlan;
  readonly #options: RunLiveOptions;
  readonly #pace = new LivePace();

  constructor(plan: LivePlan, options: RunLiveOptions) {
    this.#plan = plan;
    this.#options = options;
  }

  async run(reader: RunningProcess, withSound: boolean): Promise<LiveState> {
    const { signal, tools, logger } = this.#options;
    if (reader.stdout === null) throw new UpscaleError('INTERNAL', 'The reader has no stdout.');
    const frames = new NutReader(reader.stdout);
    const sound = new LiveSound(reader);
    const header = await this.#readHeader(frames, reader);
    const models = new LiveModels(this.#plan, header);
    const arena = new Arena(models.arenaBytes);
    const kernels = await loadKernels(arena);
    const stack = models.beside === null ? null : await FrameStack.open(models.beside, { arena, kernels });
    let upscaler = await models.openBest({ arena, logger, signal });
    const writer = startProcess(
      tools.ffmpeg,
      buildLiveWriter(this.#plan.destination, { withSound, tools, sourceLines: header.height }),
      {
        ...{ label: 'live writer', stdin: 'pipe', stdout: 'ignore', extra: withSound, signal, logger },
      },
    );
    try {
      if (writer.stdin === null) throw new UpscaleError('INTERNAL', 'The writer has no stdin.');
      sound.carryTo(writer);
      const { width, height } = models.shown;
      const nut = new NutWriter(writer.stdin, {
        format: pixelFormat(LIVE_FORMAT),
        ...{ width, height, timeBase: LIVE_TIME_BASE },
      });
      const gone = new AbortController();
      const leave = (): void => gone.abort();
      writer.exited.then(leave, leave);
      await nut.writeHeader();
      let reported = 0;
      for await (const frame of this.#admitted(frames, header, arena)) {
        if (stack !== null) await stack.keep(frame);
        const upscaled = await upscaler.upscale(frame, signal);
        const shown = stack === null ? upscaled : stack.stack(upscaled);
        try {
          await nut.writeFrame(shown.pts, arena.bytes(shown.offset, shown.byteLength));
        } finally {
          shown.dispose();
        }
        if (gone.signal.aborted) break;
        if (this.#pace.isTooSlow()) upscaler = await models.stepDown(upscaler, { arena, logger });
        if (performance.now() - reported < REPORT_EVERY) continue;
        reported = performance.now();
        this.#options.onState(this.#describe(models, header, withSound));
      }
      writer.extra?.end();
      await nut.end();
      const exit = await writer.exited;
      if (exit.code !== 0 && !signal.aborted) {
        throw describeFailure(exit, {
          what: `sending to ${this.#plan.destination}`,
          code: 'ENCODER_FAILED',
          hint: 'Check that somebody listens there.',
        });
      }
    } finally {
      await writer.stop();
      await upscaler.close();
      await stack?.close();
    }
    return this.#describe(models, header, withSound);
  }

  async #readHeader(frames: NutReader, reader: RunningProcess): Promise<Header> {
    try {
      return await frames.readHeader();
    } catch (error) {
      throwIfAborted(this.#options.signal);
      const exit = await reader.exited;
      throw new UpscaleError('SOURCE_UNREADABLE', `Nothing could be read from ${this.#plan.source}.`, {
        cause: error,
        hint: 'Check that the source sends, and that the address is right.',
        details: exit.stderr.split('\n').slice(-4).join('\n'),
      });
    }
  }

  /** Frames that there is time for. */
  async *#admitted(reader: NutReader, header: Header, arena: Arena): AsyncGenerator<Frame> {
    const { timeBase, width, height } = header;
    const format = pixelFormat(LIVE_FORMAT);
    try {
      for (;;) {
        const asked = performance.now();
        const next = await reader.nextFrame();
        if (next === null) return;
        throwIfAborted(this.#options.signal);
        const pts = rescale(next.pts, timeBase, LIVE_TIME_BASE);
        const waited = (performance.now() - asked) / 1000;
        if (!this.#pace.admit((pts * LIVE_TIME_BASE.num) / LIVE_TIME_BASE.den, waited)) continue;
        const frame = arena.allocateFrame(format, width, height, pts);
        try {
          await reader.readFrame(arena.bytes(frame.offset, frame.byteLength));
        } catch (error) {
          frame.dispose();
          throw error;
        }
        yield frame;
      }
    } catch (error) {
      if (!(error instanceof StreamCutShort) && !this.#options.signal.aborted) throw error;
    }
  }

  #describe(models: LiveModels, { width, height }: Header, hasSound: boolean): LiveState {
    return {
      model: models.current,
      source: { width, height },
      width: models.output.width,
      height: models.output.height,
      frames: this.#pace.frames,
      dropped: this.#pace.dropped,
      lag: this.#pace.lag,
      hasSound,
    };
  }
}

type Header = Awaited<ReturnType<NutReader['readHeader']>>;
