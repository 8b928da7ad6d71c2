import type { ChromaLocation, Color } from '../core/color.ts';
import type { Decision } from '../core/notice.ts';
import { toNumber } from '../core/rational.ts';
import { readPixelTraits } from './pixel-traits.ts';
import { turnChromaLocation } from './turn-chroma-location.ts';
import type { Source } from './source.ts';

/** Heights that only PAL and its halves have (608: with VBI lines). */
const PAL_HEIGHTS = new Set([576, 608, 288]);
/** Pictures of more lines than this are high definition, by what every player assumes of untagged video. */
const SD_LINES = 576;
const SD_WIDTH = 1024;

/**
 * The colours of the frames that the lane works on: what the source is tagged with, and for what it is not, the usual rules: standard
 * definition is BT.601 (PAL `bt470bg`, NTSC `smpte170m`), everything larger BT.709, 4:2:0 chroma is sited left (JPEG: centre).
 * RGB that becomes YUV gets BT.709. Nothing of the result is unknown, save the chroma location where no chroma is subsampled.
 */
export function resolveColor(
  source: Source,
  workFamily: 'yuv' | 'rgb' | 'gray',
): { color: Color; decisions: Decision[] } {
  const { video } = source;
  const traits = readPixelTraits(video.pixelFormat);
  const tagged = video.color;
  const assumed: string[] = [];
  const fallback = assumeByFormat(source);
  const take = (name: string, value: string, otherwise: string): string => {
    if (value !== 'unknown' && value !== 'reserved' && value !== '') return value;
    assumed.push(`${name} ${otherwise}`);
    return otherwise;
  };
  const fromRgb = traits.family === 'rgb';
  const range =
    workFamily === 'rgb'
      ? 'pc'
      : fromRgb
        ? 'tv'
        : (take(
            'range',
            tagged.range,
            traits.fullRange || traits.family === 'gray' ? 'pc' : 'tv',
          ) as Color['range']);
  const color: Color = {
    range,
    primaries: take('primaries', tagged.primaries, fallback.primaries),
    transfer: take('transfer', tagged.transfer, fallback.transfer),
    matrix:
      workFamily === 'rgb'
        ? 'gbr'
        : fromRgb
          ? 'bt709'
          : take('matrix', tagged.matrix === 'gbr' ? 'unknown' : tagged.matrix, fallback.matrix),
    chromaLocation: chooseChromaLocation(source, workFamily),
  };
  const decisions: Decision[] = [
    {
      topic: 'colour',
      choice: `${color.matrix}/${color.primaries}/${color.transfer}, ${color.range === 'pc' ? 'full' : 'limited'} range`,
      reason:
        assumed.length === 0
          ? 'as the source is tagged'
          : `the source is not tagged in full; assumed by its size and format: ${assumed.join(', ')}`,
    },
  ];
  return { color, decisions };
}

/** The matrix that a YUV source is really in, tagged or assumed; for conversions to RGB. */
export function sourceMatrix(source: Source): string {
  const { matrix } = source.video.color;
  return matrix === 'unknown' || matrix === 'gbr' ? assumeByFormat(source).matrix : matrix;
}

interface Assumption {
  readonly primaries: string;
  readonly transfer: string;
  readonly matrix: string;
}

const HD: Assumption = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' };
const WIDE: Assumption = { primaries: 'bt2020', transfer: 'bt709', matrix: 'bt2020nc' };
const PAL: Assumption = { primaries: 'bt470bg', transfer: 'smpte170m', matrix: 'bt470bg' };
const NTSC: Assumption = { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m' };
const COMPUTER: Assumption = { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'bt709' };

/** What the source is by the tags that it has, else by its size, rate and format. */
function assumeByFormat(source: Source): Assumption {
  const { width, height, pixelFormat, color, hdr, codec } = source.video;
  const { transfer, primaries, matrix } = color;
  // Profile 5 of Dolby Vision is PQ throughout, and says so nowhere else.
  if (hdr.dolbyVisionProfile === 5) return { ...WIDE, transfer: 'smpte2084' };
  if (transfer === 'smpte2084' || transfer === 'arib-std-b67') return WIDE;
  if (primaries === 'bt2020' || matrix.startsWith('bt2020')) return WIDE;
  if (readPixelTraits(pixelFormat).family !== 'yuv') return COMPUTER;
  if (codec === 'mjpeg' && source.kind !== 'file') return { ...COMPUTER, matrix: 'bt470bg' };
  if (primaries === 'bt709' && matrix === 'unknown') return HD;
  if (matrix === 'bt709') return HD;
  if (matrix === 'unknown' && (height > SD_LINES + 32 || width > SD_WIDTH)) return HD;
  return isPal(source) ? PAL : NTSC;
}

function isPal(source: Source): boolean {
  const { height, frameRate, color } = source.video;
  if (color.primaries === 'bt470bg' || color.primaries === 'smpte170m') return color.primaries === 'bt470bg';
  const rate = frameRate === null ? 0 : toNumber(frameRate);
  return PAL_HEIGHTS.has(height) || Math.abs(rate - 25) < 0.01 || Math.abs(rate - 50) < 0.01;
}

function chooseChromaLocation(source: Source, workFamily: 'yuv' | 'rgb' | 'gray'): ChromaLocation {
  const { width, height, pixelFormat, rotation, mirrored } = source.video;
  const { chroma, family } = readPixelTraits(pixelFormat);
  const full = chroma === '444' || (rotation % 180 !== 0 && chroma !== '420');
  if (workFamily !== 'yuv' || family !== 'yuv' || full) return 'left';
  return turnChromaLocation(locateChroma(source), { rotation, mirrored, width, height });
}

function locateChroma(source: Source): ChromaLocation {
  const { pixelFormat, color, codec, height } = source.video;
  const { chroma } = readPixelTraits(pixelFormat);
  if (color.chromaLocation !== 'unknown') return color.chromaLocation;
  if (codec === 'mjpeg' || codec === 'mpeg1video' || codec === 'vp8')
    return chroma === '420' ? 'center' : 'left';
  if (codec === 'dvvideo' && chroma === '420' && height === 576) return 'topleft';
  const uhd = color.primaries === 'bt2020' && chroma === '420';
  return uhd ? 'topleft' : 'left';
}
