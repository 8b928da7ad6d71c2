import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ModelFacts } from '../infer/infer-plan.ts';
import { isShipped, loadRegistry, type RegisteredModel } from '../infer/registry.ts';
import { removeModel } from '../infer/remove-model.ts';
import { readInput, readMessageOptions } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { describeModel, describeModels, type ListedModel, type ShownModel } from './describe-models.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel models list`. */
export async function runModelsListCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const registry = await loadRegistry({ logger: createReporter({ progress: 'none', logLevel }).logger });
  const models = await Promise.all(registry.list().map((model) => listModel(model, registry.list()[0])));
  process.stdout.write(`${json ? JSON.stringify(models, null, 2) : describeModels(models)}\n`);
  return EXIT_CODES.ok;
}

/** `upreel models show`: a model by name, or any model file. */
export async function runModelsShowCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const name = readInput(raw, 'model');
  const registry = await loadRegistry({ logger: createReporter({ progress: 'none', logLevel }).logger });
  const registered = registry.list().find(({ id }) => id === name);
  const facts = await registry.resolve(name);
  const shown = await showModel(
    facts,
    registered,
    registered !== undefined && registered === registry.list()[0],
  );
  process.stdout.write(`${json ? JSON.stringify(shown, null, 2) : describeModel(shown)}\n`);
  return EXIT_CODES.ok;
}

/** `upreel models remove`. */
export async function runModelsRemoveCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const { id, directory } = await removeModel(readInput(raw, 'model'), { logger });
  process.stdout.write(
    `${json ? JSON.stringify({ id, directory }, null, 2) : `Removed ${id} (${directory})`}\n`,
  );
  return EXIT_CODES.ok;
}

async function listModel(model: RegisteredModel, first: RegisteredModel | undefined): Promise<ListedModel> {
  const { id, facts, manifest, directory } = model;
  return {
    id,
    title: manifest.title ?? null,
    scale: facts.scale,
    channels: facts.channels,
    bytes: await measureFile(facts.path),
    isDefault: model === first,
    isShipped: isShipped(model),
    directory,
  };
}

async function showModel(
  facts: ModelFacts,
  registered: RegisteredModel | undefined,
  isDefault: boolean,
): Promise<ShownModel> {
  return {
    facts,
    bytes: await measureFile(facts.path),
    manifest: registered?.manifest ?? null,
    isDefault,
    isShipped: registered !== undefined && isShipped(registered),
    card: registered === undefined ? null : await findCard(registered.directory),
  };
}

async function measureFile(file: string | null): Promise<number | null> {
  if (file === null) return null;
  return stat(file).then(
    ({ size }) => size,
    () => null,
  );
}

async function findCard(directory: string): Promise<string | null> {
  const card = path.join(directory, 'CARD.md');
  return access(card).then(
    () => card,
    () => null,
  );
}
