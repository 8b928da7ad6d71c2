import type { Decision } from '../core/notice.ts';
import { readPixelTraits } from '../decode/pixel-traits.ts';
import type { Source } from '../decode/source.ts';
import type { ModelRegistry } from '../infer/registry.ts';

/** Tapes and discs of standard definition have lines up to this many. */
const MOST_LINES = 608;

/**
 * Names the model for a source where the user names none: the registry's one for RGB where that is what the source has; the one for recordings where
 * camcorders and discs made it (DV, MPEG-2 or fields in standard definition), unless the output is to be faithful, since cleaning is what that
 * undoes; else its default.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND` where no model is installed
 */
export function chooseModel(
  { video }: Source,
  registry: ModelRegistry,
  faithful = false,
): { readonly id: string; readonly decisions: readonly Decision[] } {
  const { recordings, rgb } = registry;
  const choose = (id: string, reason: string): ReturnType<typeof chooseModel> => ({
    id,
    decisions: [{ topic: 'model', choice: id, reason }],
  });
  if (rgb !== null && readPixelTraits(video.pixelFormat).family === 'rgb') {
    return choose(
      rgb.id,
      'pictures in RGB: this model sees the three planes at once, for two fifths of the work',
    );
  }
  const what = describeRecording(video);
  if (recordings !== null && what !== null && !faithful) {
    const advice = `--model ${registry.default.id} is for clean footage`;
    return choose(recordings.id, `${what}: this model takes back noise and blocks. ${advice}`);
  }
  return { id: registry.default.id, decisions: [] };
}

function describeRecording({ codec, height, fields }: Source['video']): string | null {
  if (height > MOST_LINES) return null;
  if (codec === 'dvvideo') return 'a DV recording';
  if (codec === 'mpeg1video' || codec === 'mpeg2video') return 'MPEG video in standard definition';
  return fields.found === 'tff' || fields.found === 'bff' ? 'interlaced standard definition' : null;
}
