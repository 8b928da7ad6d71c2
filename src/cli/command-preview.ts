import { spawn } from 'node:child_process';
import process from 'node:process';
import { resolveUpscaleOptions } from '../config/resolve-options.ts';
import { isLoopbackHost } from '../preview/access.ts';
import { isLiveSource } from '../pipeline/live-commands.ts';
import { LivePreview } from '../preview/live-preview.ts';
import { Preview } from '../preview/preview.ts';
import { startServer } from '../preview/server.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';

/** What finished pieces may take on disk. */
const DEFAULT_CACHE_BYTES = 2 * 2 ** 30;

/** `upreel preview`: serves until Ctrl-C. */
export async function runPreviewCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const input = readInput(raw);
  const upscale = resolveUpscaleOptions(readRequest(raw, 'preview'));
  const host = String(readOption(raw, 'host'));
  const port = Number(readOption(raw, 'port'));
  using interrupt = guardInterrupts(() => process.stderr.write('Stopping.\n'));
  const { signal } = interrupt;
  const { logger } = createReporter({ progress: 'none', logLevel });
  const cacheBytes = Number(readOption(raw, 'cache') ?? DEFAULT_CACHE_BYTES);
  const preview = isLiveSource(input)
    ? await LivePreview.open(input, { upscale, logger })
    : await Preview.open(input, { upscale, cacheBytes, logger, signal });
  try {
    const server = await startServer(preview, { host, port, logger });
    try {
      process.stdout.write(
        json
          ? `${JSON.stringify({ page: server.pageUrl, stream: server.streamUrl })}\n`
          : describe(server, host),
      );
      if (raw['no-open'] !== true && process.stdout.isTTY) openBrowser(server.pageUrl);
      // What most will ask for is made ready before they do.
      if (preview instanceof Preview) preview.variantOf(preview.defaults).catch(() => undefined);
      await waitFor(signal);
    } finally {
      await server.close();
    }
  } finally {
    await preview.close();
  }
  return EXIT_CODES.ok;
}

function describe({ pageUrl, streamUrl }: { pageUrl: string; streamUrl: string }, host: string): string {
  const lines = [
    `Page:   ${pageUrl}`,
    `Stream: ${streamUrl} (for mpv, VLC, ffplay)`,
    ...(isLoopbackHost(host)
      ? []
      : ['Everybody who has these addresses can watch; the connection is not encrypted.']),
    'Ctrl-C ends it.',
  ];
  return `${lines.join('\n')}\n`;
}

/** Opens the page in the system's browser, where there is one. */
function openBrowser(url: string): void {
  const programs: Partial<Record<NodeJS.Platform, readonly string[]>> = {
    darwin: ['open'],
    win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  };
  const [program = 'xdg-open', ...args] = programs[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

async function waitFor(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
