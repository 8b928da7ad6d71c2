import type { Decision } from '../core/notice.ts';
import type { Source } from '../decode/source.ts';
import type { ModelRegistry } from '../infer/registry.ts';

/** Tapes and discs of standard definition have lines up to this many. */
const MOST_LINES = 608;

/**
 * Names the model for a source where the user names none: its default where the output is to be faithful, since cleaning is what that
 * undoes; else the registry's one for recordings where camcorders and discs made it (DV, MPEG-2 or
 * fields in standard definition), else its default.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND` where no model is installed
 */
export function chooseModel(
  { video }: Source,
  registry: ModelRegistry,
  faithful = false,
): { readonly id: string; readonly decisions: readonly Decision[] } {
  const { recordings } = registry;
  const what = describeRecording(video);
  if (faithful || recordings === null || what === null) return { id: registry.default.id, decisions: [] };
  const reason = `${what}: this model takes back noise and blocks. --model ${registry.default.id} is for clean footage`;
  return { id: recordings.id, decisions: [{ topic: 'model', choice: recordings.id, reason }] };
}

function describeRecording({ codec, height, fields }: Source['video']): string | null {
  if (height > MOST_LINES) return null;
  if (codec === 'dvvideo') return 'a DV recording';
  if (codec === 'mpeg1video' || codec === 'mpeg2video') return 'MPEG video in standard definition';
  return fields.found === 'tff' || fields.found === 'bff' ? 'interlaced standard definition' : null;
}
