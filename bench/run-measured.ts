import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

export interface Measured {
  /** CPU seconds of the command and all its children, user and system. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Largest sum of the resident sizes of the whole process tree; 0 where it was not asked for or there is no /proc. */
  readonly peakBytes: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SAMPLE_MS = 50;

/**
 * Runs a command to its end under a shell that adds up the times of all its descendants. Throws when it fails.
 *
 * @param memory - Sample the memory too; that takes a tenth of a core, so not where time is measured.
 */
export async function runMeasured(
  program: string,
  args: readonly string[],
  { memory = false } = {},
): Promise<Measured> {
  const started = performance.now();
  const child = spawn('bash', ['-c', '"$@"; status=$?; times >&2; exit $status', 'bash', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  let peakBytes = 0;
  const timer = memory
    ? setInterval(() => {
        void treeBytes(child.pid ?? 0).then((bytes) => (peakBytes = Math.max(peakBytes, bytes)));
      }, SAMPLE_MS)
    : undefined;
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (status !== 0 && status !== 7)
    throw new Error(`${program} ${args.join(' ')} ended with ${String(status)}\n${stderr}`);
  const wallSeconds = (performance.now() - started) / 1000;
  // The last line of `times` is that of the children.
  const times = [...stderr.matchAll(/^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm)].at(-1) ?? [];
  const [, userMinutes, userSeconds, systemMinutes, systemSeconds] = times.map(Number);
  const cpuSeconds =
    60 * (Number(userMinutes) + Number(systemMinutes)) + Number(userSeconds) + Number(systemSeconds);
  return { cpuSeconds, wallSeconds, peakBytes, stdout, stderr };
}

/** `upreel upscale` on the CPU, its result as JSON. */
export function upscaleArguments(clip: string, output: string): string[] {
  const quiet = ['-y', '--json', '--progress', 'none', '--device', 'cpu'];
  return ['bin/upreel.js', 'upscale', clip, '-o', output, ...quiet];
}

/** Sum of the resident sizes of a process and its descendants. */
async function treeBytes(root: number): Promise<number> {
  const parents = new Map<number, number>();
  const sizes = new Map<number, number>();
  const entries = await readdir('/proc').catch(() => [] as string[]);
  await Promise.all(
    entries
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        try {
          const status = await readFile(`/proc/${name}/status`, 'utf8');
          parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
          sizes.set(Number(name), 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0));
        } catch {
          // The process ended while it was looked at.
        }
      }),
  );
  const inTree = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === root) return true;
    return false;
  };
  let bytes = 0;
  for (const [pid, size] of sizes) if (pid !== root && inTree(pid)) bytes += size;
  return bytes;
}
