import type { Decision, Notice } from '../core/notice.ts';
import { toNumber } from '../core/rational.ts';
import { planarName, readPixelTraits } from './pixel-traits.ts';
import type { Source } from './source.ts';

export type Deinterlace = 'auto' | 'off' | 'frame' | 'field';

export interface FieldPlan {
  readonly filters: readonly string[];
  readonly framesPerInput: 1 | 2;
  /** Input frames to each side that a result depends on. */
  readonly margin: number;
  /** Results depend on all that came before, so that decoding must begin at the source's start. */
  readonly sequential: boolean;
  readonly decision: Decision;
  readonly notices: Notice[];
}

/** bwdif looks at two frames to each side, and needs one to start. */
const BWDIF_MARGIN = 3;

/** Decides what becomes of the fields: nothing, a frame for each field or frame, or the film's own frames. Pure. */
export function planFields(source: Source, asked: Deinterlace): FieldPlan {
  const { found, reason } = source.video.fields;
  const interlaced = found === 'tff' || found === 'bff';
  if (asked === 'off') {
    const plan = leaveAlone(found === 'progressive' ? reason : `asked for, although ${reason}`);
    if (found === 'progressive' || found === 'unknown') return plan;
    const message =
      'The source is interlaced and is not deinterlaced: combed edges will be enlarged with the picture.';
    return { ...plan, notices: [{ level: 'warning', code: 'interlaced-kept', message }] };
  }
  if (asked === 'auto' && !interlaced && found !== 'telecine') return leaveAlone(reason);
  if (found === 'telecine' && asked !== 'field') return restoreFilm(source);
  const plan = deinterlace(source, asked === 'frame' ? 'frame' : 'field', asked !== 'auto');
  if (interlaced || found === 'telecine') return plan;
  const message = `The source is progressive (${reason}); deinterlacing it, as asked for, costs sharpness.`;
  return { ...plan, notices: [{ level: 'warning', code: 'progressive-deinterlaced', message }] };
}

function leaveAlone(reason: string): FieldPlan {
  const decision = { topic: 'fields', choice: 'left alone', reason };
  return { filters: [], framesPerInput: 1, margin: 0, sequential: false, decision, notices: [] };
}

function deinterlace(source: Source, rate: 'frame' | 'field', forced: boolean): FieldPlan {
  const { reason, mixed } = source.video.fields;
  const perField = rate === 'field';
  return {
    filters: [
      ...planarFirst(source),
      `bwdif=mode=send_${rate}:parity=${readParity(source)}:deint=all`,
      ...(perField ? partTimes(source) : []),
    ],
    framesPerInput: perField ? 2 : 1,
    margin: BWDIF_MARGIN,
    sequential: false,
    decision: {
      topic: 'fields',
      choice: `deinterlaced, a frame for each ${rate}`,
      reason: `${forced ? 'asked for; ' : ''}${reason}${mixed ? '; some parts are progressive' : ''}`,
    },
    notices: [],
  };
}

/** Puts film frames together again (inverse telecine) without leaving one out; what finds no partner is deinterlaced. */
function restoreFilm(source: Source): FieldPlan {
  const { reason } = source.video.fields;
  const traits = readPixelTraits(source.video.pixelFormat);
  const parity = readParity(source);
  // fieldmatch knows 8 bits and limited range only (until ffmpeg 6.1).
  if (traits.family !== 'yuv' || traits.bits !== 8 || traits.fullRange || traits.hasAlpha) {
    const plan = deinterlace(source, 'frame', false);
    const why = `${reason}; matching its fields is not possible with ${source.video.pixelFormat}`;
    return { ...plan, decision: { ...plan.decision, reason: why } };
  }
  return {
    filters: [
      ...planarFirst(source),
      `fieldmatch=order=${parity}:combmatch=full`,
      // Does nothing but pass frames on: next to fieldmatch, bwdif of old versions shows the last frame twice.
      'tpad',
      `bwdif=mode=send_frame:parity=${parity}:deint=interlaced`,
    ],
    framesPerInput: 1,
    margin: BWDIF_MARGIN,
    sequential: true,
    decision: {
      topic: 'fields',
      choice: 'film frames put together again',
      reason: `${reason}; the number of frames is kept, so one in five repeats`,
    },
    notices: [],
  };
}

function readParity(source: Source): 'tff' | 'bff' {
  return source.video.fields.topFieldFirst === false ? 'bff' : 'tff';
}

/** Field filters take planar frames; unpacking loses nothing, and any other conversion must wait until fields are frames. */
function planarFirst(source: Source): string[] {
  const name = source.video.pixelFormat;
  const planar = planarName(readPixelTraits(name));
  return planar === name || `${name}le` === planar ? [] : [`format=${planar}`];
}

/** From a single frame the filter cannot tell how long a field lasts and gives both the same time. */
function partTimes(source: Source): string[] {
  const { scan, frameRate, timeBase } = source.video;
  if (scan.frames !== 1) return [];
  const ticks =
    frameRate === null ? 1 : Math.max(1, Math.round(1 / (toNumber(frameRate) * toNumber(timeBase))));
  return [`setpts=PTS+N*${String(ticks)}`];
}
