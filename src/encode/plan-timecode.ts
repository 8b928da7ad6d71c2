import type { Notice } from '../core/notice.ts';
import { toNumber, type Rational } from '../core/rational.ts';
import type { Container } from './containers.ts';
import type { AssemblePlan } from './encode-plan.ts';
import type { EncodeSource } from './encode-source.ts';

/** Rates in which drop-frame timecode is defined (SMPTE ST 12-1). */
function allowsDropFrame(rate: number): boolean {
  return Math.abs(rate - 30000 / 1001) < 0.001 || Math.abs(rate - 60000 / 1001) < 0.001;
}

/**
 * Carries the start timecode over. A frame for each field doubles the count: 01:00:00:12 at 25 becomes 01:00:00:24 at 50, which is the same
 * moment. Containers without a timecode track get it as a tag.
 */
export function planTimecode(
  source: Pick<EncodeSource, 'timecode'>,
  container: Container,
  frameRate: Rational | null,
  framesPerInput: 1 | 2,
): { timecode: AssemblePlan['timecode']; metadata: Record<string, string>; notices: Notice[] } {
  const { timecode } = source;
  if (timecode === null || container.muxer === 'image2') return { timecode: null, metadata: {}, notices: [] };
  const rate = frameRate === null ? 0 : toNumber(frameRate);
  const text = framesPerInput === 2 ? doubleFrames(timecode.text) : timecode.text;
  const impossible =
    rate <= 0 || Number(text.slice(-2)) >= Math.round(rate) || (timecode.dropFrame && !allowsDropFrame(rate));
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

function doubleFrames(text: string): string {
  const frames = Number(text.slice(9));
  return text.slice(0, 9) + String(frames * 2).padStart(2, '0');
}
