import { UpscaleError } from '../core/errors.ts';
import { resampleFilterSchema } from './infer-plan.ts';
import { manifestSchema } from './manifest.ts';

const LONGEST = 64;

/** A model's id out of a file's name: `4x_Nomos (v2).pth` gives `4x_nomos-v2`. Throws `USAGE` where nothing is left. */
export function makeModelId(fileName: string): string {
  const id = fileName
    .replace(/\.[a-z]+$/i, '')
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/-*([._-])[._-]*/g, '$1')
    .replace(/^[._-]+/, '')
    .slice(0, LONGEST)
    .replace(/[._-]+$/, '');
  if (id !== '') return id;
  throw new UpscaleError('USAGE', `${fileName} holds no letters that a model could be named after.`, {
    hint: 'Name it with --name.',
  });
}

/** Throws `USAGE` for an id that models cannot have: odd signs, a filter's name, what looks like a file. */
export function checkModelId(id: string): void {
  const isFilter = resampleFilterSchema.safeParse(id).success;
  if (
    isFilter ||
    !manifestSchema.shape.id.safeParse(id).success ||
    id.length > LONGEST ||
    /\.(onnx|pth|pt|ckpt|safetensors|param)$/.test(id)
  ) {
    throw new UpscaleError(
      'USAGE',
      isFilter ? `${id} is the name of a filter.` : `A model cannot be named ${JSON.stringify(id)}.`,
      { hint: 'Choose another with --name: small letters, digits, points, dashes and underscores.' },
    );
  }
}
