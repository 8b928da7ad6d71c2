import { buildArguments } from '../ffmpeg/command.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { keepFrameTimes } from '../ffmpeg/passthrough.ts';
import type { FieldAnalysis, FieldKind } from './source.ts';

/** What one look at a stretch of frames counted, by ffmpeg's `idet`. */
export type FieldEvidence = FieldAnalysis['evidence'];

const NOTHING: FieldEvidence = {
  frames: 0,
  tff: 0,
  bff: 0,
  progressive: 0,
  undetermined: 0,
  repeatedFields: 0,
};

export interface LookOptions {
  readonly tools: FfmpegTools;
  readonly inputOptions: readonly string[];
  /** Seconds from the start of the file where stretches begin. */
  readonly spots: readonly number[];
  readonly framesPerSpot: number;
  readonly signal?: AbortSignal | undefined;
}

/** Lets `idet` look at a few stretches of frames, side by side. A stretch that does not decode counts nothing. */
export async function lookAtFields(path: string, options: LookOptions): Promise<FieldEvidence> {
  const looks = await Promise.all(options.spots.map((spot) => lookAtSpot(path, spot, options)));
  return looks.reduce(addEvidence, NOTHING);
}

async function lookAtSpot(path: string, spot: number, options: LookOptions): Promise<FieldEvidence> {
  const child = startProcess(
    options.tools.ffmpeg,
    buildArguments({
      global: ['-v', 'error'],
      inputs: [
        {
          path,
          options: [...(spot > 0 ? ['-ss', spot.toFixed(3)] : []), '-noautorotate', ...options.inputOptions],
        },
      ],
      outputs: [
        {
          path: '-',
          options: [
            ...['-map', '0:V:0', '-frames:v', String(options.framesPerSpot)],
            // Gray is enough to tell fields and saves the chroma's time.
            ...['-vf', 'idet,metadata=mode=print:file=-'],
            ...keepFrameTimes(options.tools),
            ...['-f', 'null'],
          ],
        },
      ],
    }),
    { label: 'field analysis', stdin: 'ignore', stdout: 'pipe', signal: options.signal },
  );
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await child.exited;
  return countFields(Buffer.concat(chunks).toString('latin1'));
}

/** Counts the frames of `metadata=print` behind `idet`. */
export function countFields(text: string): FieldEvidence {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  return {
    frames: count(/^frame:/gm),
    tff: count(/idet\.multiple\.current_frame=tff/g),
    bff: count(/idet\.multiple\.current_frame=bff/g),
    progressive: count(/idet\.multiple\.current_frame=progressive/g),
    undetermined: count(/idet\.multiple\.current_frame=undetermined/g),
    repeatedFields: count(/idet\.repeated\.current_frame=(top|bottom)/g),
  };
}

function addEvidence(a: FieldEvidence, b: FieldEvidence): FieldEvidence {
  return {
    frames: a.frames + b.frames,
    tff: a.tff + b.tff,
    bff: a.bff + b.bff,
    progressive: a.progressive + b.progressive,
    undetermined: a.undetermined + b.undetermined,
    repeatedFields: a.repeatedFields + b.repeatedFields,
  };
}

/** Share of combed frames, of those that show either, above which a stream is interlaced: low where the file says so itself. */
const COMBED_SHARE_TAGGED = 0.12;
const COMBED_SHARE_UNTAGGED = 0.4;
/** Fewer combed frames than this prove nothing against the file's own word. */
const COMBED_LEAST = 6;

/**
 * Decides what the fields are from what the file says and what its frames look like. Frames win over the tag where they show
 * something; where they show nothing (still pictures) the tag stands.
 */
export function decideFields(
  tagged: FieldKind,
  evidence: FieldEvidence,
  frameRate: number | null,
): FieldAnalysis {
  const { tff, bff, progressive } = evidence;
  const combed = tff + bff;
  const decided = combed + progressive;
  const share = decided === 0 ? 0 : combed / decided;
  const order = tff === bff ? (tagged === 'bff' ? 'bff' : 'tff') : tff > bff ? 'tff' : 'bff';
  const taggedInterlaced = tagged === 'tff' || tagged === 'bff';
  const mixed = combed >= COMBED_LEAST && progressive >= COMBED_LEAST && share > 0.1 && share < 0.9;
  const result = (found: FieldKind, reason: string): FieldAnalysis => ({
    tagged,
    found,
    topFieldFirst:
      found === 'tff' ? true : found === 'bff' ? false : found === 'telecine' ? order === 'tff' : null,
    mixed,
    reason,
    evidence,
  });
  const seen = `${String(combed)} of ${String(decided)} frames that tell are combed`;

  if (isTelecine(evidence, share, frameRate)) {
    return result(
      'telecine',
      `3:2 pulldown: ${seen}, fields repeat in ${String(evidence.repeatedFields)} of ${String(evidence.frames)} frames`,
    );
  }
  if (decided < COMBED_LEAST) {
    if (taggedInterlaced)
      return result(tagged, 'the file says so, and the frames show too little motion to tell');
    return result('progressive', tagged === 'progressive' ? 'the file says so' : 'nothing tells otherwise');
  }
  if (taggedInterlaced) {
    if (share <= COMBED_SHARE_TAGGED) {
      return result('progressive', `the file says ${tagged}, but its frames are whole pictures: ${seen}`);
    }
    const clear = combed >= COMBED_LEAST && Math.max(tff, bff) >= 0.85 * combed;
    if (clear && order !== tagged)
      return result(order, `the file says ${tagged}, but its frames show ${order}: ${seen}`);
    return result(tagged, `the file says so, and its frames agree: ${seen}`);
  }
  if (share >= COMBED_SHARE_UNTAGGED && combed >= COMBED_LEAST && Math.max(tff, bff) >= 0.75 * combed) {
    const claim = tagged === 'progressive' ? 'the file says progressive' : 'the file does not say';
    return result(order, `${claim}, but its frames show ${order}: ${seen}`);
  }
  return result('progressive', `the frames are whole pictures: ${seen}`);
}

/** Film at 24 frames a second in 30: two frames of five are combed, and in two of five one field is a repeat. */
function isTelecine(evidence: FieldEvidence, share: number, frameRate: number | null): boolean {
  if (frameRate === null || Math.abs(frameRate - 29.985) > 0.05 || evidence.frames < 20) return false;
  const repeated = evidence.repeatedFields / evidence.frames;
  return share > 0.25 && share < 0.6 && repeated > 0.25 && repeated < 0.55;
}
