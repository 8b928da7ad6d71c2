import { UpscaleError } from '../core/errors.ts';
import { describeFailure, type ProcessExit } from '../ffmpeg/process.ts';

/** What ffmpeg says when it is the source that it cannot read, not the command. */
const SOURCE_FAULT =
  /Invalid data found|moov atom not found|Error while decoding|could not find codec|partial file/i;

/**
 * What the decoder's exit means: null when all is well, a complaint when the source is damaged but gave frames. Throws `SOURCE_DAMAGED`
 * when it gave none from its start on, `DECODER_FAILED` when ffmpeg could not run the command or was ended from outside.
 */
export function judgeExit(
  exit: ProcessExit,
  o: { readonly path: string; readonly delivered: number; readonly fromStart: boolean },
): string | null {
  const what = `decoding ${o.path}`;
  // Frames that are missing because somebody ended the decoder are no fault of the source: the segment must be run again.
  const ended = exit.signal === 'SIGKILL' || exit.signal === 'SIGTERM' || exit.signal === 'SIGINT';
  if (ended || /received signal \d+/.test(exit.stderr))
    throw describeFailure(exit, { what, code: 'DECODER_FAILED' });
  const how = exit.signal ?? `exit status ${String(exit.code)}`;
  const failed = exit.code !== 0;
  if (o.delivered > 0 || !o.fromStart) return failed ? `The decoder ended early (${how}).` : null;
  if (failed && !SOURCE_FAULT.test(exit.stderr))
    throw describeFailure(exit, { what, code: 'DECODER_FAILED' });
  throw new UpscaleError('SOURCE_DAMAGED', `Not a single frame of ${o.path} could be decoded.`, {
    hint: 'Copy the file from its origin again, or repair its container first.',
    details: exit.stderr.split('\n').slice(-8).join('\n'),
  });
}
