import process from 'node:process';
import { addModel, type AddedModel } from '../infer/add-model.ts';
import { readInput, readMessageOptions, readOption } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { formatBytes } from '../core/format.ts';
import { formatPercent } from './progress-text.ts';

/** Milliseconds between two lines of progress: on a terminal, where they replace each other, and elsewhere. */
const PACE = { terminal: 200, plain: 5000 };

/** `upreel models add`: a model file or address becomes a model with a name. */
export async function runModelsAddCommand(raw: RawArguments): Promise<number> {
  const { json, progress } = readMessageOptions(raw);
  using interrupt = guardInterrupts(() => process.stderr.write('Stopping; nothing is kept.\n'));
  const line = new DownloadLine(progress === 'none');
  try {
    const added = await addModel(readInput(raw, 'file'), {
      name: readText(raw, 'name'),
      sha256: readText(raw, 'sha256'),
      license: readText(raw, 'license'),
      replace: raw['overwrite'] === true,
      signal: interrupt.signal,
      onProgress: (bytes, total) => line.show(bytes, total),
    });
    line.close();
    process.stdout.write(`${json ? JSON.stringify(toJson(added), null, 2) : describeAdded(added)}\n`);
    return EXIT_CODES.ok;
  } finally {
    line.close();
  }
}

function readText(raw: RawArguments, name: string): string | undefined {
  const value = readOption(raw, name);
  return typeof value === 'string' ? value : undefined;
}

function toJson({ model, outcome }: AddedModel): object {
  return { outcome, directory: model.directory, manifest: model.manifest };
}

function describeAdded({ model, outcome }: AddedModel): string {
  const { id, directory, facts, license } = model;
  if (outcome === 'present') return `${id} is there already, with the same bytes (${directory})`;
  return [
    `${outcome === 'added' ? 'Added' : 'Replaced'} ${id} (${directory})`,
    `  ${model.description} Licence: ${license}.`,
    `  Use it: upreel upscale tape.avi --model ${id}${facts.scale === 2 ? '' : ` --scale ${String(facts.scale)}`}`,
    `  Measure it: upreel models bench ${id}`,
  ].join('\n');
}

/** How far a download is, on standard error. */
class DownloadLine {
  readonly #quiet: boolean;
  readonly #isTerminal = process.stderr.isTTY;
  #shownAt = -Infinity;
  #open = false;

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  show(bytes: number, total: number | null): void {
    const now = performance.now();
    const pace = this.#isTerminal ? PACE.terminal : PACE.plain;
    if (this.#quiet || (now - this.#shownAt < pace && bytes !== total)) return;
    this.#shownAt = now;
    const part =
      total === null ? '' : ` of ${formatBytes(total)} (${formatPercent(bytes / Math.max(1, total))})`;
    const text = `Fetching: ${formatBytes(bytes)}${part}`;
    process.stderr.write(this.#isTerminal ? `\r\u001B[K${text}` : `${text}\n`);
    this.#open = this.#isTerminal;
  }

  close(): void {
    if (this.#open) process.stderr.write('\n');
    this.#open = false;
  }
}
