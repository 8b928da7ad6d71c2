import path from 'node:path';
import process from 'node:process';
import { resolveUpscaleOptions } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { findProfile } from '../encode/profiles.ts';
import { watchFolder, type WatchEvent } from '../hook/watch/watch-folder.ts';
import { probe, upscale } from '../index.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel watch`: a folder that exporters write to. Ends with Ctrl-C, or with `--once` when all is done. */
export async function runWatchCommand(raw: RawArguments): Promise<number> {
  const messages = readMessageOptions(raw);
  const folder = readInput(raw, 'folder');
  const { output, ...given } = readRequest(raw, 'watch');
  const request = { preset: 'mezzanine', ...given };
  const { encoder, ffmpeg, ffprobe } = resolveUpscaleOptions(request);
  const extension = encoder.startsWith('auto') ? 'mp4' : findProfile(encoder).extension;
  const reporter = createReporter(messages);
  using interrupt = guardInterrupts(() => reporter.writeLine('Stopping; press Ctrl-C again to end at once.'));
  const { signal } = interrupt;
  let failures = 0;
  const print = (event: WatchEvent): void => {
    if (event.type === 'failed') failures++;
    process.stdout.write(messages.json ? `${JSON.stringify(event)}\n` : `${describeEvent(event)}\n`);
  };
  try {
    await watchFolder(folder, {
      request,
      extension,
      output: path.resolve(output ?? path.join(folder, 'upreel')),
      settleSeconds: Number(readOption(raw, 'settle')),
      pollSeconds: Math.min(2, Math.max(0.2, Number(readOption(raw, 'settle')) / 2)),
      once: raw['once'] === true,
      upscale,
      probe: (file) => probe(file, { ffmpeg, ffprobe, signal, logger: reporter.logger }),
      signal,
      logger: reporter.logger,
      onProgress: reporter.listener,
      onEvent: print,
    });
  } catch (error) {
    // Stopping is how watching ends.
    if (UpscaleError.from(error).code !== 'ABORTED') throw error;
  } finally {
    reporter.close();
  }
  return failures === 0 ? EXIT_CODES.ok : EXIT_CODES.source;
}

function describeEvent(event: WatchEvent): string {
  switch (event.type) {
    case 'taken':
      return `taken: ${event.source} -> ${event.output}`;
    case 'done':
      return `${event.verified ? 'done' : 'done, but it FALLS SHORT'}: ${event.output}`;
    case 'failed':
      return `failed: ${event.source}: ${event.error.message} It lies in ${event.movedTo}`;
  }
}
