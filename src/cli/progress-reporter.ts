import process from 'node:process';
import type { Logger } from '../core/logger.ts';
import type { ProgressEvent, ProgressListener } from '../pipeline/progress.ts';
import type { MessageOptions } from './arguments.ts';
import { createBar } from './progress-bar.ts';
import { createJsonLines } from './progress-json.ts';
import { createPlainLines } from './progress-plain.ts';
import type { ProgressView } from './progress-view.ts';

/** A view of the run, the logger that goes with it, and the last progress that was seen. */
export interface ProgressReporter {
  readonly listener: ProgressListener;
  readonly logger: Logger;
  readonly last: () => Extract<ProgressEvent, { type: 'progress' }> | null;
  writeLine(text: string): void;
  /** Writes an object as a line, for programs. */
  writeJson(value: unknown): void;
  /** Takes the bar down until the next progress. */
  takeDown(): void;
  close(): void;
}

const LEVELS = { error: 0, warning: 1, info: 2, debug: 3 } as const;

export function createReporter(
  options: Pick<MessageOptions, 'progress' | 'logLevel'>,
  stream: NodeJS.WriteStream = process.stderr,
  /** Stands before each plain line. */
  prefix = '',
): ProgressReporter {
  const view = createView(options.progress, stream, prefix);
  let last: Extract<ProgressEvent, { type: 'progress' }> | null = null;
  const log =
    (level: keyof typeof LEVELS) =>
    (message: string): void => {
      if (LEVELS[level] <= LEVELS[options.logLevel]) view.writeLine(`${level}: ${message}`);
    };
  return {
    listener: (event) => {
      if (event.type === 'progress') last = event;
      const quiet =
        event.type === 'notice' &&
        event.notice.level === 'warning' &&
        LEVELS[options.logLevel] < LEVELS.warning;
      if (!quiet) view.show(event);
    },
    logger: { debug: log('debug'), info: log('info'), warn: log('warning') },
    last: () => last,
    writeLine: (text) => view.writeLine(text),
    writeJson: (value) => void stream.write(`${JSON.stringify(value)}\n`),
    takeDown: () => view.close(),
    close: () => view.close(),
  };
}

function createView(
  progress: MessageOptions['progress'],
  stream: NodeJS.WriteStream,
  prefix: string,
): ProgressView {
  switch (progress) {
    case 'auto':
      return stream.isTTY ? createBar(stream) : createPlainLines(stream, prefix);
    case 'bar':
      return createBar(stream);
    case 'plain':
      return createPlainLines(stream, prefix);
    case 'json':
      return createJsonLines(stream);
    case 'none':
      return {
        show: () => undefined,
        writeLine: (text) => void stream.write(`${text}\n`),
        close: () => undefined,
      };
  }
}
