import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { throwIfAborted, UpscaleError } from '../../core/errors.ts';
import { frameBytes, pixelFormat } from '../../core/pixel-format.ts';
import { readCapabilities } from '../../ffmpeg/capabilities.ts';
import { buildArguments } from '../../ffmpeg/command.ts';
import { NutWriter } from '../../ffmpeg/nut-writer.ts';
import {
  describeFailure,
  startProcess,
  type ProcessExit,
  type RunningProcess,
} from '../../ffmpeg/process.ts';
import type { FfmpegTools } from '../../ffmpeg/tools.ts';
import type { ReadOptions } from '../read-packets.ts';
import { toBits, type MeasuredPlane } from './measured-plane.ts';

/** Model that libvmaf 2 and later hold, for screens of 1080 lines seen from three times their height. */
const BUILT_IN = 'vmaf_v0.6.1';
/** Since this major version ffmpeg's filter knows built-in models and reads those in JSON. */
const LEAST_FFMPEG = 5;
/** On pictures of less than 18 samples either way libvmaf 2.3 crashes. */
const LEAST_SIDE = 32;
const WHAT = 'measuring VMAF';
/** Names within the meter's own folder, where the process runs: paths in filter graphs would need escaping that differs by system. */
const LOG = 'vmaf.json';
const MODEL = 'model.json';

/** VMAF of all frames, or why there is none. */
export type VmafSummary =
  | {
      /** Name of the built-in model, or path of the one that was given. */
      readonly model: string;
      /** Of all frames, 0 to 100. Bad frames lower it more than they lower the mean. */
      readonly harmonicMean: number;
    }
  | { readonly leftOut: string };

const logSchema = z.object({
  frames: z.array(z.object({ metrics: z.object({ vmaf: z.number() }) })),
  pooled_metrics: z.object({ vmaf: z.object({ harmonic_mean: z.number() }) }),
});

/** Says why VMAF cannot be measured of such pictures by an ffmpeg, and what to do; null where it can. */
export async function explainNoVmaf(
  tools: FfmpegTools,
  width: number,
  height: number,
): Promise<string | null> {
  if (Math.min(width, height) < LEAST_SIDE) return 'the picture is too small';
  const { filters } = await readCapabilities(tools);
  if (tools.version.major >= LEAST_FFMPEG && filters.has('libvmaf')) return null;
  const lacks = `ffmpeg ${tools.version.text} ${filters.has('libvmaf') ? 'has an old libvmaf without models' : 'has no libvmaf'}`;
  return `${lacks}; name one of version ${String(LEAST_FFMPEG)} or later that has it with --ffmpeg PATH or UPREEL_FFMPEG`;
}

/**
 * Measures VMAF (Netflix, https://github.com/Netflix/vmaf) of luma by ffmpeg's `libvmaf` filter. Each pair goes into one process as one
 * frame, the reference above the output, so that no clock decides what is compared with what.
 */
export class VmafMeter {
  readonly #folder: string;
  readonly #model: string;
  readonly #child: RunningProcess;
  readonly #writer: NutWriter;
  readonly #frame: Uint8Array;
  /** Where the output's luma begins in it. */
  readonly #secondAt: number;
  readonly #bits: number;
  readonly #signal: AbortSignal | undefined;
  #written = 0;
  #exit: ProcessExit | null = null;

  private constructor(
    folder: string,
    child: RunningProcess,
    { width, height, bits, model = BUILT_IN, signal }: VmafOptions,
  ) {
    if (child.stdin === null) throw new UpscaleError('INTERNAL', 'ffmpeg has no standard input.');
    this.#folder = folder;
    this.#model = model;
    this.#child = child;
    this.#signal = signal;
    void child.exited.then(
      (exit) => (this.#exit = exit),
      () => undefined,
    );
    // What the filters of all versions take.
    this.#bits = bits > 8 ? 10 : 8;
    const format = pixelFormat(bits > 8 ? 'yuv420p10le' : 'yuv420p');
    const size = { width, height: 2 * halfHeight(height) };
    this.#writer = new NutWriter(child.stdin, { format, ...size, timeBase: { num: 1, den: 25 } });
    const bytes = frameBytes(format, width, size.height);
    this.#secondAt = width * halfHeight(height) * format.bytesPerSample;
    // VMAF does not look at chroma.
    this.#frame =
      bits > 8
        ? new Uint8Array(new Uint16Array(bytes / 2).fill(512).buffer)
        : new Uint8Array(bytes).fill(128);
  }

  /** Starts ffmpeg. Throws `USAGE` where the model cannot be read. */
  static async open(options: VmafOptions): Promise<VmafMeter> {
    const { tools, height, model, signal, logger } = options;
    const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-vmaf-'));
    try {
      if (model !== undefined) await copyModel(model, path.join(folder, MODEL));
      const threads = String(os.availableParallelism());
      const asked = model === undefined ? `version=${BUILT_IN}` : `path=${MODEL}`;
      const filters = [
        '[0:v]split[a][b]',
        `[a]crop=iw:${String(height)}:0:0:exact=1[reference]`,
        `[b]crop=iw:${String(height)}:0:${String(halfHeight(height))}:exact=1[output]`,
        `[output][reference]libvmaf=model=${asked}:log_fmt=json:log_path=${LOG}:n_threads=${threads}`,
      ];
      const args = buildArguments({
        global: ['-v', 'error'],
        inputs: [{ path: 'pipe:0', options: ['-f', 'nut'] }],
        outputs: [{ path: 'pipe:1', options: ['-lavfi', filters.join(';'), '-f', 'null'] }],
      });
      const child = startProcess(tools.ffmpeg, args, {
        label: 'vmaf',
        stdin: 'pipe',
        stdout: 'ignore',
        cwd: folder,
        signal,
        logger,
      });
      const meter = new VmafMeter(folder, child, options);
      await meter.#writer.writeHeader();
      return meter;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async add(reference: MeasuredPlane, output: MeasuredPlane): Promise<void> {
    if (this.#exit !== null) this.#fail(this.#exit);
    for (const [plane, at] of [
      [reference, 0],
      [output, this.#secondAt],
    ] as const) {
      const { samples } = toBits(plane, this.#bits);
      this.#frame.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), at);
    }
    await this.#writer.writeFrame(this.#written++, this.#frame);
  }

  /** VMAF of each pair and of all. Throws `FFMPEG_FAILED` with the filter's last words. */
  async finish(): Promise<{ readonly frames: readonly number[]; readonly summary: VmafSummary }> {
    await this.#writer.end();
    const exit = await this.#child.exited;
    if (exit.code !== 0) this.#fail(exit);
    const log = logSchema.parse(JSON.parse(await readFile(path.join(this.#folder, LOG), 'utf8')));
    const frames = log.frames.map(({ metrics }) => metrics.vmaf);
    if (frames.length !== this.#written)
      throw new UpscaleError('INTERNAL', `VMAF was measured of ${String(frames.length)} frames alone.`);
    return { frames, summary: { model: this.#model, harmonicMean: log.pooled_metrics.vmaf.harmonic_mean } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #fail(exit: ProcessExit): never {
    throwIfAborted(this.#signal);
    const given = this.#model !== BUILT_IN;
    throw describeFailure(exit, {
      what: WHAT,
      ...(given ? { hint: 'Give a model in the JSON of libvmaf 2 or later with --vmaf-model FILE.' } : {}),
    });
  }
}

interface VmafOptions extends ReadOptions {
  readonly width: number;
  readonly height: number;
  /** Of the reference's luma. */
  readonly bits: number;
  /** Path of a model in libvmaf's JSON. @defaultValue the built-in `vmaf_v0.6.1` */
  readonly model?: string | undefined;
}

/** Both halves begin at a line that has chroma. */
function halfHeight(height: number): number {
  return height + (height % 2);
}

async function copyModel(model: string, to: string): Promise<void> {
  await copyFile(model, to).catch((error: unknown) => {
    throw new UpscaleError('USAGE', `The VMAF model ${model} cannot be read.`, {
      cause: error,
      hint: 'Give the file of a model in the JSON of libvmaf 2 or later with --vmaf-model FILE.',
    });
  });
}
