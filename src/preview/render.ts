import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { quote, startProcess, type RunningProcess } from '../ffmpeg/process.ts';
import { AUTO_MODEL, type Settings } from './settings.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/upreel.js', import.meta.url));

/** How a render stands. */
export interface RenderState {
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'stopped';
  /** 0 to 1. */
  readonly share: number;
  readonly fps: number;
  readonly etaSeconds: number | null;
  readonly stage: string;
  /** What it said at last, where it failed; where the file is, where it was done. */
  readonly message: string;
}

const IDLE: RenderState = { state: 'idle', share: 0, fps: 0, etaSeconds: null, stage: '', message: '' };

/** The arguments of `upreel` that render what is watched. Pure. */
export function buildRenderArguments(
  input: string,
  settings: Settings,
  upscale: Pick<UpscaleOptions, 'scale' | 'to'>,
): string[] {
  const { model, temporal, deinterlace, chroma } = settings;
  const given = (name: string, value: string | number | undefined): string[] =>
    value === undefined || value === 'auto' ? [] : [`--${name}`, String(value)];
  return [
    'upscale',
    input,
    ...(model === AUTO_MODEL ? [] : given('model', model)),
    ...given('scale', upscale.scale),
    ...given('to', upscale.to),
    ...given('temporal', temporal),
    ...given('deinterlace', deinterlace),
    ...given('chroma', chroma),
  ];
}

/** The command as one would type it. Pure. */
export function formatCommand(args: readonly string[]): string {
  return ['upreel', ...args].map(quote).join(' ');
}

/** Renders the whole source by the very command that is shown, in a process of its own, one at a time. */
export class Render {
  readonly #logger: Logger;
  readonly #onChange: (state: RenderState) => void;
  #state: RenderState = IDLE;
  #child: RunningProcess | null = null;

  constructor(logger: Logger, onChange: (state: RenderState) => void) {
    this.#logger = logger;
    this.#onChange = onChange;
  }

  get state(): RenderState {
    return this.#state;
  }

  /** Throws `USAGE` while another one runs. */
  start(args: readonly string[]): void {
    if (this.#child !== null) {
      throw new UpscaleError('USAGE', 'A render is under way.', { hint: 'Stop it, or wait for its end.' });
    }
    this.#set({ ...IDLE, state: 'running', stage: 'probe' });
    const child = startProcess(process.execPath, [PROGRAM, ...args, '--progress', 'json', '--no-overwrite'], {
      label: 'render',
      stdin: 'ignore',
      stdout: 'pipe',
      logger: this.#logger,
      onStderrLine: (line) => this.#read(line),
    });
    this.#child = child;
    const words: string[] = [];
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (text: string) => words.push(text));
    child.exited.then(
      ({ code, stderr }) => {
        this.#child = null;
        if (this.#state.state === 'stopped') return;
        const last = stderr.split('\n').filter((line) => !line.startsWith('{'));
        const message =
          code === 0 ? (words.join('').trimEnd().split('\n').at(-1) ?? '') : last.slice(-4).join(' ');
        this.#set({
          ...this.#state,
          state: code === 0 ? 'done' : 'failed',
          share: code === 0 ? 1 : this.#state.share,
          message,
        });
      },
      (error: unknown) => {
        this.#child = null;
        this.#set({ ...this.#state, state: 'failed', message: UpscaleError.from(error).message });
      },
    );
  }

  /** Stops it between two frames; finished segments are kept, so that the same command goes on there. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#set({
      ...this.#state,
      state: 'stopped',
      message: 'Stopped; the same command goes on where it was.',
    });
    if (child.pid !== undefined) process.kill(child.pid, 'SIGINT');
    await child.exited.catch(() => undefined);
  }

  #read(line: string): void {
    if (!line.startsWith('{') || this.#state.state !== 'running') return;
    try {
      const event = JSON.parse(line) as Record<string, unknown>;
      if (event['type'] === 'stage') this.#set({ ...this.#state, stage: String(event['stage']) });
      if (event['type'] !== 'progress') return;
      const eta = event['etaSeconds'];
      this.#set({
        ...this.#state,
        share: Number(event['frames']) / Math.max(1, Number(event['totalFrames'])),
        fps: Number(event['fps']),
        etaSeconds: typeof eta === 'number' ? eta : null,
      });
    } catch {
      // A line that was cut off says nothing.
    }
  }

  #set(state: RenderState): void {
    this.#state = state;
    this.#onChange(state);
  }
}
