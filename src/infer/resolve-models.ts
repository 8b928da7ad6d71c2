import { access } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import type { Decision } from '../core/notice.ts';
import type { ModelFacts } from './infer-plan.ts';
import { parseModelExpression, type ModelBlend } from './model-expression.ts';
import type { ModelRegistry } from './registry.ts';

/** What `--model` names. */
export interface ResolvedModels {
  /** One, that is run as often as it takes; or a chain. */
  readonly models: readonly ModelFacts[];
  /** Where it is one: the same network for larger scales. */
  readonly larger: readonly ModelFacts[];
  /** How averages were made. */
  readonly decisions: readonly Decision[];
}

/**
 * Finds the models of an expression: a name or path, a chain `a+b`, an average `a:0.7,b:0.3`. An average becomes a file in the cache
 * folder, the same for the same parts, so that it is a model like any other from here on.
 *
 * @throws UpscaleError `USAGE`; `MODEL_NOT_FOUND`; `MODEL_INVALID` where the models of an average do not fit each other
 */
export async function resolveModels(
  registry: ModelRegistry,
  text: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ResolvedModels> {
  // A file may have any name.
  const registered = registry.list().find(({ id }) => id === text);
  const isPlain = !/[+,:]/.test(text) || registered !== undefined || (await isFile(text));
  if (isPlain) {
    const models = [await registry.resolve(text, options)];
    return { models, larger: registered?.larger ?? [], decisions: [] };
  }
  const blends = parseModelExpression(text);
  const models: ModelFacts[] = [];
  const decisions: Decision[] = [];
  for (const blend of blends) {
    const parts = await resolveParts(registry, blend, options);
    if (parts.length + blends.length > 2) refuseFilters(parts);
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) {
      models.push(only);
      continue;
    }
    const { blendModels } = await import('./blend-models.ts');
    const blended = await blendModels(
      parts.map((facts, i) => ({ facts, weight: blend[i]?.weight ?? 0 })),
      options,
    );
    models.push(blended.facts);
    decisions.push(blended.decision);
  }
  return { models, larger: [], decisions };
}

async function resolveParts(
  registry: ModelRegistry,
  blend: ModelBlend,
  options: { readonly signal?: AbortSignal },
): Promise<ModelFacts[]> {
  const parts: ModelFacts[] = [];
  for (const { name } of blend) parts.push(await registry.resolve(name, options));
  return parts;
}

function refuseFilters(parts: readonly ModelFacts[]): void {
  const filter = parts.find(({ kind }) => kind === 'resample');
  if (filter === undefined) return;
  throw new UpscaleError('USAGE', `${filter.id} is a filter and cannot be chained or averaged.`, {
    hint: 'Name models; the last fit to the size that is asked for is made by lanczos anyway.',
  });
}

async function isFile(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
