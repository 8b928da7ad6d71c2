import type { Logger } from '../core/logger.ts';
import type { BatchFile, FileOutcome } from '../jobs/run-batch.ts';
import type { ProgressEvent } from '../pipeline/progress.ts';
import type { MessageOptions } from './arguments.ts';
import { describe } from './describe-batch.ts';
import { createReporter } from './progress-reporter.ts';

export interface BatchReporter {
  readonly logger: Logger;
  readonly onProgress: (file: BatchFile, event: ProgressEvent) => void;
  readonly onOutcome: (outcome: FileOutcome) => void;
  writeLine(text: string): void;
  close(): void;
}

/**
 * Shows the progress of a batch on stderr: a heading for each file over the same bar or lines as for one file. Files that run side by side
 * have lines with their numbers instead, as a terminal has one last line only.
 */
export function createBatchReporter(
  messages: Pick<MessageOptions, 'progress' | 'logLevel'>,
  { total, jobs }: { readonly total: number; readonly jobs: number },
  stream: NodeJS.WriteStream = process.stderr,
): BatchReporter {
  const isJson = messages.progress === 'json';
  const isQuiet = messages.progress === 'none';
  const sideBySide = jobs > 1 && total > 1 && !isJson && !isQuiet;
  const mark = (file: BatchFile): string => `[${String(file.number)}/${String(total)}]`;
  const common = createReporter(sideBySide ? { ...messages, progress: 'plain' } : messages, stream);
  const open = new Map<number, ReturnType<typeof createReporter>>();
  const reporterOf = (file: BatchFile): ReturnType<typeof createReporter> => {
    const known = open.get(file.number);
    if (known !== undefined) return known;
    if (!isJson && !isQuiet) common.writeLine(`${mark(file)} ${file.name}`);
    const reporter = sideBySide
      ? createReporter({ ...messages, progress: 'plain' }, stream, `${mark(file)} `)
      : common;
    open.set(file.number, reporter);
    return reporter;
  };
  return {
    logger: common.logger,
    onProgress: (file, event) => {
      if (isJson) common.writeJson({ file: file.source, number: file.number, total, ...event });
      else reporterOf(file).listener(event);
    },
    onOutcome: (outcome) => {
      if (isJson) {
        const { source, number, status } = outcome;
        common.writeJson({ type: 'outcome', file: source, number, total, status });
      } else if (!isQuiet) {
        common.takeDown();
        const [status = '', , words = ''] = describe(outcome);
        common.writeLine(`${mark(outcome)} ${status}: ${words}`);
      }
      open.delete(outcome.number);
    },
    writeLine: (text) => common.writeLine(text),
    close: () => common.close(),
  };
}
