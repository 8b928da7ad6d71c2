import type { Notice } from '../core/notice.ts';
import type { VideoStream } from './source.ts';

/** Heights of frames that carry the lines of the vertical blanking interval above the picture (IMX, D-10). */
const LINES_WITH_VBI = new Set([512, 608]);

/** What a user should know of a source before it is upscaled: damage, odd times, colours that nobody can read. */
export function describeOddities(facts: {
  readonly video: VideoStream;
  readonly discontinuous: boolean;
  readonly stderr: string;
}): Notice[] {
  const { video, discontinuous, stderr } = facts;
  const { scan, hdr } = video;
  const notices: Notice[] = [];
  const warn = (code: string, message: string): void =>
    void notices.push({ level: 'warning', code, message });
  if (!scan.complete) {
    const why = scan.complaints[0]?.replace(/\.$/, '') ?? 'its end is missing';
    warn('source-damaged', `The file is damaged or cut short (${why}); what decodes is upscaled.`);
  }
  if (discontinuous) {
    warn('clock-jumps', 'The clock of the video jumps; times are counted on across the jumps.');
  }
  if (scan.duplicatePts > 0 && !discontinuous) {
    warn(
      'duplicate-times',
      scan.duplicatePts === 1
        ? 'One frame has the time of another.'
        : `${String(scan.duplicatePts)} frames have the time of another.`,
    );
  }
  if (/Zero FPS specified/.test(stderr) || video.frameRate === null) {
    warn('frame-rate-unknown', 'The file names no frame rate; the times may be wrong.');
  }
  if (hdr.dolbyVisionProfile === 5) {
    warn(
      'dolby-vision-5',
      'The video is Dolby Vision profile 5, whose colours cannot be read without its licensed decoder; they will look wrong.',
    );
  } else if (hdr.dolbyVisionProfile !== undefined) {
    warn('dolby-vision', 'The Dolby Vision layer is left out; the picture under it is upscaled as it is.');
  }
  if (video.width === 720 && LINES_WITH_VBI.has(video.height)) {
    warn(
      'vbi-lines',
      'The frames hold lines above the picture that televisions do not show; they are upscaled with it.',
    );
  }
  return notices;
}
