import cliProgress from 'cli-progress';
import type { ProgressEvent } from '../pipeline/progress.ts';
import { describeProgress, STAGE_NAMES } from './progress-text.ts';
import type { ProgressView } from './progress-view.ts';

// A CommonJS package, whose names Node.js does not always find.
const { Format, SingleBar } = cliProgress;

type Progress = Extract<ProgressEvent, { type: 'progress' }>;

/** A bar on the last line of a terminal. */
export function createBar(stream: NodeJS.WriteStream): ProgressView {
  let latest: Progress | null = null;
  const bar = new SingleBar({
    stream,
    fps: 4,
    // Ctrl-C is ours to handle.
    gracefulExit: false,
    hideCursor: false,
    clearOnComplete: true,
    noTTYOutput: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    format: (options, params) => {
      const drawn = Format.BarFormat(params.progress, options);
      return latest === null ? drawn : `${drawn} ${describeProgress(latest)}`;
    },
  });
  let active = false;
  const takeDown = (): void => {
    if (active) bar.stop();
    active = false;
    stream.write('\r\u001b[K');
  };
  const show = (event: ProgressEvent): void => {
    if (event.type === 'notice') {
      if (event.notice.level === 'warning') writeLine(`warning: ${event.notice.message}`);
      return;
    }
    if (event.type === 'stage') {
      takeDown();
      if (event.stage !== 'run') stream.write(STAGE_NAMES[event.stage]);
      return;
    }
    latest = event;
    if (!active) {
      takeDown();
      bar.start(event.totalFrames, event.frames);
      active = true;
    }
    bar.setTotal(event.totalFrames);
    bar.update(event.frames);
  };
  const writeLine = (text: string): void => {
    stream.write(`\r\u001b[K${text}\n`);
    if (active) bar.render();
  };
  return { show, writeLine, close: takeDown };
}
