import { readPixelTraits } from '../decode/pixel-traits.ts';
import type { Delivery } from './delivery.ts';
import type { Finding } from './finding.ts';
import type { PictureSummary } from './compare-pictures.ts';
import type { PictureWalk } from './walk-pictures.ts';

/** Below these (dB, of the picture brought down to the source's size) it is another picture, or a broken one. */
const LEAST_MEAN = 20;
const LEAST_WORST = 14;
const DOUBTFUL_WORST = 20;
const LEAST_CHROMA = 22;
/** A wrong range is a gain of 1.16 or 0.86. */
const MOST_GAIN = 0.06;
const MOST_CHROMA_GAIN = 0.12;
const MOST_DIFFERENCE = 3;
/** Pixels of the source. */
const MOST_SHIFT = 0.3;
/** Fields lie between the lines, and what moves has moved on by the second one. */
const MOST_SHIFT_OF_FIELDS = 1.5;

/** What is seen: that it decodes, and that it is the source's picture, frame by frame. */
export function checkPicture(delivery: Delivery, walk: PictureWalk): Finding[] {
  const { summary } = walk;
  if (summary === null) {
    return [
      checkDecoding(delivery, walk),
      {
        check: 'picture',
        status: 'failed',
        expected: "the source's",
        actual: 'none',
        note: 'no frame could be compared',
      },
    ];
  }
  return [
    checkDecoding(delivery, walk),
    judgePicture(summary, walk),
    ...judgeLevels(summary),
    ...judgePosition(delivery, summary, walk.samplesPerPixel),
  ];
}

function checkDecoding({ source, output, decoded }: Delivery, { places, complaints }: PictureWalk): Finding {
  const packets = output.packets.get(output.video.index)?.packets ?? 0;
  const whole = places === null;
  const all = places === null ? decoded.output === packets : places.decoded === places.tried;
  // What the source's own streams make the decoder say is copied with them, and no fault of the output.
  const inherited = new Set([...complaints.source, ...source.video.scan.complaints].map(stripOrigin));
  const isNew = (line: string): boolean => !inherited.has(stripOrigin(line));
  const ofDecoder = complaints.output.filter(isNew);
  const words = [...ofDecoder, ...output.complaints.filter(isNew)];
  return {
    check: 'decoding',
    status: !all || ofDecoder.length > 0 ? 'failed' : words.length > 0 ? 'warning' : 'ok',
    expected: whole ? `${String(packets)} frames` : `frames at ${String(places.tried)} places`,
    actual: whole ? `${String(decoded.output)} frames` : `at ${String(places.decoded)}`,
    note:
      words.length > 0
        ? `the ${ofDecoder.length > 0 ? 'decoder' : 'demuxer'} complains: ${stripOrigin(words[0] ?? '')}`
        : undefined,
  };
}

/** A line of ffmpeg's without the part that names its speaker and an address. */
function stripOrigin(line: string): string {
  return line.replace(/^\[[^\]]*\] */, '').trim();
}

function judgePicture(summary: PictureSummary, walk: PictureWalk): Finding {
  const { luma, chroma, worst, misplaced, orientation, frames } = summary;
  const row = {
    check: 'picture',
    expected: `the source's, over ${String(LEAST_MEAN)} dB`,
    actual: `${luma.toFixed(1)} dB (chroma ${chroma.toFixed(1)}), worst ${worst.luma.toFixed(1)} at frame ${String(worst.frame)}, of ${String(frames)} frames`,
  };
  const faults: string[] = [];
  const few = Math.max(walk.places === null ? 1 : 0, Math.floor(frames * 0.02));
  if (orientation !== 'upright') faults.push(`the picture is ${orientation}`);
  if (misplaced.length > few) {
    faults.push(
      `${String(misplaced.length)} frames show another moment than the source's, from frame ${String(misplaced[0])} on`,
    );
  }
  if (luma < LEAST_MEAN || worst.luma < LEAST_WORST) faults.push('it is another picture, or a broken one');
  if (chroma < LEAST_CHROMA) faults.push('its colours are others');
  if (faults.length > 0) return { ...row, status: 'failed', note: faults.join('; ') };
  if (worst.luma < DOUBTFUL_WORST || misplaced.length > 0) {
    const frame = misplaced[0] ?? worst.frame;
    return { ...row, status: 'warning', note: `have a look at frame ${String(frame)}` };
  }
  return { ...row, status: 'ok' };
}

function judgeLevels({ levels, chromaLevels }: PictureSummary): Finding[] {
  if (levels === null) return [];
  const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`;
  const parts = [`gain ${levels.gain.toFixed(3)}, ${signed(levels.difference)}`];
  if (chromaLevels !== null) parts.push(`chroma gain ${chromaLevels.gain.toFixed(3)}`);
  const off =
    Math.abs(levels.gain - 1) > MOST_GAIN ||
    Math.abs(levels.difference) > MOST_DIFFERENCE ||
    (chromaLevels !== null &&
      (Math.abs(chromaLevels.gain - 1) > MOST_CHROMA_GAIN ||
        Math.abs(chromaLevels.difference) > MOST_DIFFERENCE));
  return [
    {
      check: 'levels',
      status: off ? 'failed' : 'ok',
      expected: 'gain 1.000, +0.0',
      actual: parts.join(', '),
      note: off ? 'brightness, contrast or colours have changed, as by a wrong range or matrix' : undefined,
    },
  ];
}

function judgePosition(
  { source, run }: Delivery,
  { shift, misplaced, orientation }: PictureSummary,
  samplesPerPixel: number,
): Finding[] {
  // Of other pictures the estimate means nothing.
  if (shift === null || misplaced.length > 0 || orientation !== 'upright') return [];
  const [x, y] = [shift.x / samplesPerPixel, shift.y / samplesPerPixel];
  // Also of whole pictures that fields were to be made of: lines come from other moments then.
  const inFields =
    source.video.fields.found !== 'progressive' ||
    run?.plan.decode.filters.some((filter) => filter.startsWith('bwdif')) === true;
  // Where chroma is all there is of a line, or the picture is palettized, edges jump by whole pixels.
  const coarse = readPixelTraits(source.video.pixelFormat).bits < 8;
  const most = inFields || coarse ? MOST_SHIFT_OF_FIELDS : MOST_SHIFT;
  const off = Math.hypot(x, y) > most;
  return [
    {
      check: 'position',
      status: off ? 'failed' : 'ok',
      expected: `within ${most.toFixed(1)} pixels of the source`,
      actual: `${x.toFixed(2)}, ${y.toFixed(2)}`,
      note: off ? 'the picture is shifted' : undefined,
    },
  ];
}
