import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Color } from '../core/color.ts';
import type { Frame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { frameBytes, pixelFormat } from '../core/pixel-format.ts';
import { rescale } from '../core/rational.ts';
import { StreamCutShort } from '../ffmpeg/byte-source.ts';
import { NutReader } from '../ffmpeg/nut-reader.ts';
import { NutWriter } from '../ffmpeg/nut-writer.ts';
import { describeFailure, startProcess, type RunningProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { InferPlan, ModelFacts } from '../infer/infer-plan.ts';
import { arenaBytesForInfer, planInfer } from '../infer/plan-infer.ts';
import { describeFilter } from '../infer/registry.ts';
import { openUpscaler, type Upscaler } from '../infer/upscaler.ts';
import { Arena } from '../kernels/arena.ts';
import { loadKernels } from '../kernels/kernels.ts';
import { buildLiveReader, buildLiveWriter, LIVE_TIME_BASE } from './live-commands.ts';
import { LivePace } from './live-pace.ts';
import { FrameStack, stackBytes, stackedSize } from './stack-frames.ts';

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
}

export interface RunLiveOptions {
  readonly tools: FfmpegTools;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onState: (state: LiveState) => void;
}

const FORMAT = 'yuv420p';
const COLOR: Color = {
  range: 'tv',
  primaries: 'bt709',
  transfer: 'bt709',
  matrix: 'bt709',
  chromaLocation: 'left',
};
const FRAMES_IN_FLIGHT = 6;
/** Milliseconds between two reports. */
const REPORT_EVERY = 500;
/** Frames that a model is timed on before it is trusted with a stream. */
const TIMED_FRAMES = 3;

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
  #rung = 0;

  constructor(plan: LivePlan, options: RunLiveOptions) {
    this.#plan = plan;
    this.#options = options;
  }

  async run(reader: RunningProcess, withSound: boolean): Promise<LiveState> {
    const { signal, tools, logger } = this.#options;
    if (reader.stdout === null) throw new UpscaleError('INTERNAL', 'The reader has no stdout.');
    const frames = new NutReader(reader.stdout);
    const header = await this.#readHeader(frames, reader);
    const plans = this.#plan.models.map((model) => this.#planModel(model, header));
    const [first] = plans;
    if (first === undefined) throw new UpscaleError('INTERNAL', 'No model was given.');
    const beside = this.#plan.beside ? this.#planModel(null, header) : null;
    const arena = new Arena(this.#countBytes(plans, beside));
    const kernels = await loadKernels(arena);
    const stack = beside === null ? null : await FrameStack.open(beside, { arena, kernels });
    let upscaler = await this.#chooseModel(plans, arena);
    const size = beside === null ? first.output : stackedSize(first.output, beside.output);
    const writer = startProcess(tools.ffmpeg, buildLiveWriter(this.#plan.destination, { withSound, tools }), {
      ...{ label: 'live writer', stdin: 'pipe', stdout: 'ignore', extra: withSound, signal, logger },
    });
    try {
      if (writer.stdin === null) throw new UpscaleError('INTERNAL', 'The writer has no stdin.');
      carrySound(reader, writer);
      const { width, height } = size;
      const nut = new NutWriter(writer.stdin, {
        format: pixelFormat(FORMAT),
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
        if (this.#pace.isTooSlow() && this.#rung < plans.length - 1) {
          await upscaler.close();
          upscaler = await this.#open(plans, this.#rung + 1, arena);
        }
        if (performance.now() - reported < REPORT_EVERY) continue;
        reported = performance.now();
        this.#options.onState(this.#describe(first, header));
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
    return this.#describe(first, header);
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
    const format = pixelFormat(FORMAT);
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

  /** Opens the best model that is fast enough for the usual 25 frames a second, on frames of no content. */
  async #chooseModel(plans: readonly InferPlan[], arena: Arena): Promise<Upscaler> {
    for (let rung = 0; ; rung++) {
      const upscaler = await this.#open(plans, rung, arena);
      if (rung === plans.length - 1) return upscaler;
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < TIMED_FRAMES; i++) {
        const { format, width, height } = upscalerInput(plans, rung);
        const frame = arena.allocateFrame(pixelFormat(format), width, height, 0);
        const started = performance.now();
        (await upscaler.upscale(frame, this.#options.signal)).dispose();
        least = Math.min(least, (performance.now() - started) / 1000);
      }
      // The encoder wants its share as well.
      if (least < 0.75 / 25) return upscaler;
      await upscaler.close();
    }
  }

  async #open(plans: readonly InferPlan[], rung: number, arena: Arena): Promise<Upscaler> {
    const plan = plans[rung];
    if (plan === undefined) throw new UpscaleError('INTERNAL', `There is no model ${rung}.`);
    this.#rung = rung;
    return openUpscaler(plan, { arena, logger: this.#options.logger });
  }

  #planModel(model: ModelFacts | null, { width, height }: Header): InferPlan {
    const even = (side: number): number => 2 * Math.round(side / 2);
    const magnification = model === null ? 1 : this.#plan.magnification;
    return planInfer({
      models: [model ?? describeFilter('lanczos')],
      chroma: [],
      magnification,
      input: { format: FORMAT, width, height, color: COLOR },
      output: {
        format: FORMAT,
        width: even(width * magnification),
        height: even(height * magnification),
        chromaLocation: COLOR.chromaLocation,
      },
      device: this.#plan.device,
      threads: this.#plan.threads,
      memoryBytes: 512 * 1024 * 1024,
    }).plan;
  }

  #countBytes(plans: readonly InferPlan[], beside: InferPlan | null): number {
    const [{ input, output }] = plans as [InferPlan];
    const bytesOf = ({ format, width, height }: { format: string; width: number; height: number }): number =>
      frameBytes(pixelFormat(format), width, height);
    const scratch = Math.max(...plans.map(arenaBytesForInfer));
    const stacked = beside === null ? 0 : stackBytes(beside, output, FRAMES_IN_FLIGHT);
    return FRAMES_IN_FLIGHT * (bytesOf(input) + bytesOf(output)) + scratch + stacked + 8 * 1024 * 1024;
  }

  #describe({ output }: InferPlan, { width, height }: Header): LiveState {
    return {
      model: this.#plan.models[this.#rung]?.id ?? '',
      source: { width, height },
      width: output.width,
      height: output.height,
      frames: this.#pace.frames,
      dropped: this.#pace.dropped,
      lag: this.#pace.lag,
    };
  }
}

type Header = Awaited<ReturnType<NutReader['readHeader']>>;

/**
 * Carries sound past the frames. It is never held up: a reader that waits for its sound to be taken gives no frames, and the writer takes no
 * sound before it has frames. Frames are a second behind at most, and so many samples are little.
 */
function carrySound(reader: RunningProcess, writer: RunningProcess): void {
  const [from, to] = [reader.output, writer.extra];
  if (from === null || to === null) return;
  to.on('error', () => undefined);
  from.on('data', (chunk: Buffer) => to.writable && to.write(chunk));
  from.on('end', () => to.end());
}

function upscalerInput(plans: readonly InferPlan[], rung: number): InferPlan['input'] {
  const plan = plans[rung];
  if (plan === undefined) throw new UpscaleError('INTERNAL', `There is no model ${rung}.`);
  return plan.input;
}
