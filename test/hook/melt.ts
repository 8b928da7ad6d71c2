import { spawnSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import process from 'node:process';

/** Whether MLT's own player is there; tests that need it say so and skip when it is not. */
export const hasMelt = spawnSync('melt', ['-version']).error === undefined;

/** What it renders here takes seconds. */
const MOST_MS = 60_000;

/**
 * Renders with melt into `output`, as fast as it goes.
 *
 * @param what - arguments before the consumer: a project, or a profile and producers
 * @param properties - of the consumer `avformat`
 */
export function renderWithMelt(what: readonly string[], output: string, properties: readonly string[]): void {
  const consumer = ['-consumer', `avformat:${output}`, 'real_time=-1', ...properties];
  // Titles are drawn by Qt, which needs no screen when it is told so.
  const env = { ...process.env, DISPLAY: process.env['DISPLAY'] ?? ':0', QT_QPA_PLATFORM: 'offscreen' };
  // On a busy machine melt 7.12 now and then ends before its consumer has begun, without a word, and leaves an empty file; or it never ends.
  for (let tries = 0; tries < 5; tries++) {
    rmSync(output, { force: true });
    const limits = { timeout: MOST_MS, killSignal: 'SIGKILL' } as const;
    const { status, stderr, signal } = spawnSync('melt', ['-silent', ...what, ...consumer], {
      env,
      ...limits,
    });
    if (signal === 'SIGKILL') continue;
    if (status !== 0) throw new Error(stderr.toString());
    if ((statSync(output, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  }
  throw new Error(`melt wrote nothing into ${output}`);
}
