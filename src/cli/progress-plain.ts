import { describeProgress, STAGE_NAMES } from './progress-text.ts';
import type { ProgressView } from './progress-view.ts';

/** Milliseconds between two lines: dense at first, then seldom enough for a log of a day's run. */
const FIRST_GAP = 2000;
const LAST_GAP = 30_000;

/** One line a step, for logs and pipes. */
export function createPlainLines(stream: NodeJS.WritableStream, prefix = ''): ProgressView {
  const writeLine = (text: string): void => void stream.write(`${prefix}${text}\n`);
  let nextAt = 0;
  let gap = FIRST_GAP;
  let finished = false;
  return {
    writeLine,
    show: (event) => {
      if (event.type === 'stage') {
        // Of a batch each file begins anew.
        if (event.stage === 'probe') [nextAt, gap, finished] = [0, FIRST_GAP, false];
        writeLine(STAGE_NAMES[event.stage]);
      } else if (event.type === 'notice') {
        if (event.notice.level === 'warning') writeLine(`warning: ${event.notice.message}`);
      } else {
        const now = performance.now();
        const done = event.frames >= event.totalFrames;
        if (finished || (now < nextAt && !done)) return;
        finished = done;
        nextAt = now + gap;
        gap = Math.min(LAST_GAP, gap * 1.5);
        writeLine(describeProgress(event));
      }
    },
    close: () => undefined,
  };
}
