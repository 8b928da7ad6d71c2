import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { UpscaleError, throwIfAborted, type ErrorCode } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { watchForStall } from './stall.ts';

/** Bytes of a process's last words that are kept. */
const STDERR_LIMIT = 64 * 1024;
/** Milliseconds between asking a process to end and ending it. */
const GRACE_MS = 2000;

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr, progress lines left out. */
  readonly stderr: string;
}

export interface RunningProcess {
  readonly pid: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** The fourth descriptor, for processes that were given one: what it writes there, and what it reads there. */
  readonly output: Readable | null;
  readonly extra: Writable | null;
  /** Settles when the process is gone and its pipes are closed; rejects only when it could not be started. */
  readonly exited: Promise<ProcessExit>;
  /** Asks it to end (SIGTERM), ends it after 2 s (SIGKILL), and resolves when it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** What it does, for messages: `decoder`, `encoder`. */
  readonly label: string;
  readonly stdin: 'pipe' | 'ignore' | 'inherit';
  readonly stdout: 'pipe' | 'ignore';
  /** Whether it has a fourth descriptor, `pipe:3` to ffmpeg. @defaultValue false */
  readonly extra?: boolean | undefined;
  /** Folder that it runs in. @defaultValue this process's */
  readonly cwd?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  readonly onStderrLine?: ((line: string) => void) | undefined;
}

/**
 * Starts a child process. Its pipes are its lifeline: when this process dies without a word, the child meets a closed pipe and ends by
 * itself. Aborting `signal` stops it.
 */
export function startProcess(
  program: string,
  args: readonly string[],
  options: StartOptions,
): RunningProcess {
  options.logger?.debug(`${options.label}: ${[program, ...args].map(quote).join(' ')}`);
  const child = spawnChild(program, args, options);
  const lines = new StderrLines(options.onStderrLine);
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (chunk: string) => lines.push(chunk));
  // EPIPE tells nothing: the process's own exit does.
  child.stdin?.on('error', () => undefined);

  if (RUNNING.size === 0) process.once('exit', killAll);
  RUNNING.add(child);
  let running = true;
  const exited = new Promise<ProcessExit>((resolve, reject) => {
    child.once('error', (error) => {
      running = false;
      reject(
        new UpscaleError('FFMPEG_FAILED', `Could not start ${program}.`, {
          cause: error,
          hint: 'Check the installation with `upreel doctor`.',
        }),
      );
    });
    child.once('close', (code, signal) => {
      running = false;
      lines.end();
      resolve({ code, signal, stderr: lines.text() });
    });
  });
  exited.catch(() => undefined);

  const stop = async (): Promise<void> => {
    if (running) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        // A wrapper's own child may hold on to it.
        child.stderr?.destroy();
      }, GRACE_MS);
      // A process that waits for us to read or write would never see its signal through a full pipe.
      child.stdout?.destroy();
      child.stdin?.destroy();
      await exited.catch(() => undefined);
      clearTimeout(timer);
    }
  };
  const onAbort = (): void => void stop();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted === true) onAbort();
  const detach = (): void => {
    options.signal?.removeEventListener('abort', onAbort);
    RUNNING.delete(child);
    if (RUNNING.size === 0) process.off('exit', killAll);
  };
  exited.then(detach, detach);
  const socket = options.extra === true ? (child.stdio[3] as Duplex) : null;
  socket?.on('error', () => undefined);
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    output: socket,
    extra: socket,
    exited,
    stop,
  };
}

const RUNNING = new Set<ChildProcess>();

/** When this process leaves without ceremony, nothing is left behind. */
function killAll(): void {
  for (const child of RUNNING) child.kill('SIGKILL');
}

function spawnChild(program: string, args: readonly string[], options: StartOptions): ChildProcess {
  try {
    return spawn(program, args, {
      stdio: [options.stdin, options.stdout, 'pipe', ...(options.extra === true ? (['pipe'] as const) : [])],
      cwd: options.cwd,
      windowsHide: true,
      // Statically linked builds crash in character set modules of the system, which this keeps them from finding in its cache.
      env: { GCONV_PATH: '', ...process.env },
      // A group of its own: Ctrl-C in the terminal is for us, and we end our children in order.
      detached: process.platform !== 'win32',
    });
  } catch (error) {
    throw new UpscaleError('FFMPEG_FAILED', `Could not start ${program}.`, { cause: error });
  }
}

/** Collects stderr by lines, bounded; drops ffmpeg's progress lines, which end in a carriage return. */
class StderrLines {
  readonly #onLine: ((line: string) => void) | undefined;
  #rest = '';
  #kept: string[] = [];
  #bytes = 0;

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  push(chunk: string): void {
    const parts = (this.#rest + chunk).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#add(part);
    if (this.#rest.length > STDERR_LIMIT) this.#rest = this.#rest.slice(-STDERR_LIMIT);
  }

  end(): void {
    if (this.#rest !== '') this.#add(this.#rest);
    this.#rest = '';
  }

  text(): string {
    return this.#kept.join('\n');
  }

  #add(part: string): void {
    const line = (part.replace(/\r+$/, '').split('\r').at(-1) ?? '').trimEnd();
    if (line === '' || /^(frame|size)=/.test(line)) return;
    this.#onLine?.(line);
    this.#kept.push(line);
    this.#bytes += line.length + 1;
    while (this.#bytes > STDERR_LIMIT && this.#kept.length > 1) {
      this.#bytes -= (this.#kept.shift()?.length ?? 0) + 1;
    }
  }
}

export interface RunToolOptions {
  /** What was being done, for the error's sentence: `assembling out.mp4`. */
  readonly what: string;
  readonly code?: ErrorCode;
  readonly hint?: string;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  readonly onStderrLine?: ((line: string) => void) | undefined;
}

/** Runs ffmpeg to its end. Throws an `UpscaleError` with its last words when it fails, `ABORTED` when it was stopped. */
export async function runFfmpeg(
  tools: { readonly ffmpeg: string },
  args: readonly string[],
  options: RunToolOptions,
): Promise<{ stderr: string }> {
  const { stderr } = await runTool(tools.ffmpeg, args, 'ignore', options);
  return { stderr };
}

/** Runs ffprobe to its end and returns what it printed on stdout. */
export async function runFfprobe(
  tools: { readonly ffprobe: string },
  args: readonly string[],
  options: RunToolOptions,
): Promise<string> {
  const { stdout } = await runTool(tools.ffprobe, args, 'pipe', options);
  return stdout.toString('utf8');
}

/** Runs ffmpeg to its end and returns the bytes that it wrote to stdout. Throws as {@link runFfmpeg} does. */
export async function readFfmpeg(
  tools: { readonly ffmpeg: string },
  args: readonly string[],
  options: RunToolOptions,
): Promise<Buffer> {
  const { stdout } = await runTool(tools.ffmpeg, args, 'pipe', options);
  return stdout;
}

async function runTool(
  program: string,
  args: readonly string[],
  stdout: 'pipe' | 'ignore',
  options: RunToolOptions,
): Promise<{ stdout: Buffer; stderr: string }> {
  throwIfAborted(options.signal);
  const child = startProcess(program, args, { label: options.what, stdin: 'ignore', stdout, ...options });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const watch = watchForStall(child.pid, () => void child.stop());
  watch.expect(true);
  const exit = await child.exited.finally(() => watch.end());
  throwIfAborted(options.signal);
  if (exit.code !== 0) throw describeFailure(exit, options);
  return { stdout: Buffer.concat(chunks), stderr: exit.stderr };
}

/** The error of a tool that ended badly, its last words included. */
export function describeFailure(
  exit: ProcessExit,
  options: { readonly what: string; readonly code?: ErrorCode; readonly hint?: string },
): UpscaleError {
  const full = /no space left on device/i.test(exit.stderr);
  const how = exit.signal === null ? `exit status ${String(exit.code)}` : `signal ${exit.signal}`;
  return new UpscaleError(
    full ? 'DISK_SPACE' : (options.code ?? 'FFMPEG_FAILED'),
    full ? `The disk is full: ${options.what} failed.` : `ffmpeg failed while ${options.what} (${how}).`,
    {
      details: lastWords(exit.stderr),
      retryable: full || exit.signal !== null,
      ...(full
        ? { hint: 'Free some space and run the same command again.' }
        : options.hint === undefined
          ? {}
          : { hint: options.hint }),
    },
  );
}

/** The last lines of a tool's stderr, which say why it failed. */
function lastWords(stderr: string): string {
  return stderr.split('\n').slice(-8).join('\n');
}

/** An argument as one would type it into a POSIX shell. */
export function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
