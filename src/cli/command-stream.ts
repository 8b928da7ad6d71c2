import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { resolveUpscaleOptions } from '../config/resolve-options.ts';
import { findTools } from '../ffmpeg/tools.ts';
import { LanePool } from '../pipeline/lane-pool.ts';
import { planLive } from '../pipeline/plan-live.ts';
import type { LiveState } from '../pipeline/run-live.ts';
import { readInput, readMessageOptions, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';

/** Milliseconds between two lines. */
const LINE_EVERY = 2000;

/** `upreel stream`: upscales a live source and sends it on, until it ends or Ctrl-C. */
export async function runStreamCommand(raw: RawArguments): Promise<number> {
  const { json, progress, logLevel } = readMessageOptions(raw);
  const source = readInput(raw, 'source');
  const destination = readInput(raw, 'destination');
  const upscale = resolveUpscaleOptions(readRequest(raw, 'stream'));
  const { logger } = createReporter({ progress: 'none', logLevel });
  const plan = await planLive(source, destination, { upscale, beside: false, logger });
  const tools = await findTools({
    ...(upscale.ffmpeg === undefined ? {} : { ffmpeg: upscale.ffmpeg }),
    ...(upscale.ffprobe === undefined ? {} : { ffprobe: upscale.ffprobe }),
  });
  if (path.extname(destination) === '.m3u8' && !destination.includes('://')) {
    await mkdir(path.dirname(path.resolve(destination)), { recursive: true });
  }
  using interrupt = guardInterrupts(() => process.stderr.write('Stopping.\n'));
  const pool = new LanePool(1);
  let shown = 0;
  try {
    const last = await pool.runLive({
      ...{ plan, tools, signal: interrupt.signal },
      onMessage: (message) => {
        if (message.type === 'log') logger[message.level](message.message);
        if (message.type !== 'live' || progress === 'none') return;
        if (performance.now() - shown < LINE_EVERY) return;
        shown = performance.now();
        process.stderr.write(`${describeLive(message.state)}\n`);
      },
    });
    if (json) process.stdout.write(`${JSON.stringify(last)}\n`);
    else if (last !== null) process.stdout.write(`${describeLive(last)}${os.EOL}`);
  } finally {
    await pool.close();
  }
  return EXIT_CODES.ok;
}

function describeLive({ model, source, width, height, frames, dropped, lag }: LiveState): string {
  return `${model}: ${source.width}x${source.height} to ${width}x${height}, ${frames} frames, ${dropped} dropped, ${lag.toFixed(2)} s behind`;
}
