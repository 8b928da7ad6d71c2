import type { ProgressView } from './progress-view.ts';

/** One JSON object a line, for programs: the events as they are, and log lines as `{ "type": "log", "message": ... }`. */
export function createJsonLines(stream: NodeJS.WritableStream): ProgressView {
  const write = (value: unknown): void => void stream.write(`${JSON.stringify(value)}\n`);
  return {
    show: write,
    writeLine: (message) => write({ type: 'log', message }),
    close: () => undefined,
  };
}
