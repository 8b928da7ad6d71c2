import { UpscaleError } from '../core/errors.ts';

/** A model by name or path, and its share in an average. */
export interface ModelPart {
  readonly name: string;
  /** Positive; the shares of one average sum to 1. */
  readonly weight: number;
}

/** Models that are averaged; a single one is itself. */
export type ModelBlend = readonly ModelPart[];

/**
 * Reads what `--model` says: `a+b` runs b on what a gives, `a:0.7,b:0.3` averages, and `,` binds closer than `+`. Shares are brought
 * to a sum of 1; without any, all are the same.
 *
 * @returns The blends, to be run one after another.
 * @throws UpscaleError `USAGE` where a name is missing, or a share is none
 */
export function parseModelExpression(text: string): readonly ModelBlend[] {
  return text.split('+').map((stage) => parseBlend(stage, text));
}

function parseBlend(stage: string, text: string): ModelBlend {
  const parts = stage.split(',').map((part) => {
    const found = /^(.*):([^:/\\]*)$/s.exec(part.trim());
    // The colon of a Windows drive stands before a path.
    const [, name = '', share = ''] = found ?? ['', part.trim(), undefined];
    if (name === '') refuse(text, 'the name of a model is missing');
    if (found === null) return { name, weight: null };
    const weight = Number(share);
    if (share.trim() === '' || !Number.isFinite(weight) || weight <= 0) {
      refuse(text, `${share === '' ? 'nothing' : share} is no share above 0`);
    }
    return { name, weight };
  });
  if (parts.length === 1 && parts[0]?.weight != null) refuse(text, 'a model alone has no share');
  const given = parts.filter(({ weight }) => weight !== null).length;
  if (given > 0 && given < parts.length) refuse(text, 'some models have a share and some have none');
  const sum = parts.reduce((total, { weight }) => total + (weight ?? 1), 0);
  return parts.map(({ name, weight }) => ({ name, weight: (weight ?? 1) / sum }));
}

function refuse(text: string, reason: string): never {
  throw new UpscaleError('USAGE', `The models ${text} make no sense: ${reason}.`, {
    hint: 'Write a+b to run one model after the other, and a:0.7,b:0.3 to average them.',
  });
}
