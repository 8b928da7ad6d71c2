import type { Notice } from '../core/notice.ts';
import { divide, rational, toNumber, type Rational } from '../core/rational.ts';
import { allowsDropFrame, countTimecode, formatTimecode, parseTimecode } from '../core/timecode.ts';
import type { Container } from './containers.ts';
import type { AssemblePlan } from './encode-plan.ts';
import type { EncodeSource } from './encode-source.ts';

/**
 * Carries the start timecode over. A frame for each field doubles the count: 01:00:00:12 at 25 becomes 01:00:00:24 at 50, which is the same
 * moment. Containers without a timecode track get it as a tag. A part of the source that begins with frame `firstFrame` starts that much
 * later, counted from zero where the source has no timecode, so that it says by itself where it comes from.
 */
export function planTimecode(
  source: Pick<EncodeSource, 'timecode'>,
  container: Container,
  { frameRate, framesPerInput }: { readonly frameRate: Rational | null; readonly framesPerInput: 1 | 2 },
  firstFrame: number | null = null,
): { timecode: AssemblePlan['timecode']; metadata: Record<string, string>; notices: Notice[] } {
  const timecode = findStart(source.timecode, frameRate, framesPerInput, firstFrame);
  if (timecode === null || container.muxer === 'image2') return { timecode: null, metadata: {}, notices: [] };
  const rate = frameRate === null ? 0 : toNumber(frameRate);
  const text = framesPerInput === 2 ? doubleFrames(timecode.text) : timecode.text;
  const impossible =
    rate <= 0 ||
    Number(text.slice(-2)) >= Math.round(rate) ||
    (timecode.dropFrame && (frameRate === null || !allowsDropFrame(frameRate)));
  if (impossible) {
    return {
      timecode: null,
      metadata: { timecode: '' },
      notices: [
        {
          level: 'warning',
          code: 'timecode-dropped',
          message: `The timecode ${timecode.text} does not exist at ${rate.toFixed(3)} frames a second and is left out.`,
        },
      ],
    };
  }
  const carried = { text, reel: timecode.reel };
  if (container.timecodeTrack) {
    const lost = container.muxer === 'mp4' && timecode.reel !== null;
    const notice: Notice = {
      level: 'warning',
      code: 'reel-dropped',
      message: `MP4's timecode track has no reel name; ${timecode.reel ?? ''} is left out. An output named .mov keeps it.`,
    };
    return { timecode: carried, metadata: {}, notices: lost ? [notice] : [] };
  }
  return {
    timecode: null,
    metadata: { timecode: text, ...(timecode.reel === null ? {} : { reel_name: timecode.reel }) },
    notices: [],
  };
}

/** The source's timecode at frame `firstFrame`, counted in the source's own frames. */
function findStart(
  timecode: EncodeSource['timecode'],
  frameRate: Rational | null,
  framesPerInput: 1 | 2,
  firstFrame: number | null,
): EncodeSource['timecode'] {
  if (firstFrame === null || frameRate === null) return timecode;
  const rate = divide(frameRate, rational(framesPerInput));
  const start = timecode ?? { text: '00:00:00:00', dropFrame: false, rate: null, reel: null };
  const count = countTimecode(start.rate ?? rate, start.dropFrame);
  const frames = parseTimecode(start.text, count);
  if (frames === null) return timecode;
  const passed = Math.floor(
    (firstFrame * count.framesPerSecond) / countTimecode(rate, false).framesPerSecond,
  );
  return { ...start, text: formatTimecode(frames + passed, count) };
}

function doubleFrames(text: string): string {
  const frames = Number(text.slice(9));
  return text.slice(0, 9) + String(frames * 2).padStart(2, '0');
}
