import { z } from 'zod';
import { specOf } from '../config/option-table.ts';
import type { UpscaleOptions } from '../config/upscale-options.ts';

/** What a page may choose; paths are never among it. Each field has the values of the option of its name. */
export const settingsSchema = z.object({
  /** `auto` takes the best that keeps up; else the name of a model or filter. */
  model: z.string().regex(/^[\w.-]{1,64}$/),
  temporal: z.enum(choicesOf('temporal')),
  deinterlace: z.enum(choicesOf('deinterlace')),
  chroma: z.enum(choicesOf('chroma')),
});
export type Settings = z.infer<typeof settingsSchema>;

export const AUTO_MODEL = 'auto';

/** What the page offers, as the option table has it. */
export function listChoices(): Readonly<Record<'temporal' | 'deinterlace' | 'chroma', readonly string[]>> {
  return {
    temporal: choicesOf('temporal'),
    deinterlace: choicesOf('deinterlace'),
    chroma: choicesOf('chroma'),
  };
}

function choicesOf<Key extends 'temporal' | 'deinterlace' | 'chroma'>(
  key: Key,
): [UpscaleOptions[Key], ...UpscaleOptions[Key][]] {
  const choices = specOf(key).choices as UpscaleOptions[Key][] | undefined;
  const [first, ...others] = choices ?? [];
  if (first === undefined) throw new TypeError(`${key} has no choices.`);
  return [first, ...others];
}
