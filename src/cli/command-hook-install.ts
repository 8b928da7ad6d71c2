import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { UpscaleError } from '../core/errors.ts';
import { describeHost, HOSTS, type HostName, type HostSetup } from '../hook/install/hosts.ts';
import { installHost, uninstallHost } from '../hook/install/install-host.ts';
import { readInput, readMessageOptions } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** `upreel hook install`: puts an editor's script in place, and says what remains to be done by hand. */
export async function runHookInstallCommand(raw: RawArguments): Promise<number> {
  const setup = readHost(raw);
  const outcome = await installHost(setup, raw['dry-run'] === true);
  print(raw, { ...describe(setup), outcome, steps: setup.steps });
  return EXIT_CODES.ok;
}

/** `upreel hook uninstall`: takes it out again. */
export async function runHookUninstallCommand(raw: RawArguments): Promise<number> {
  const setup = readHost(raw);
  const outcome = await uninstallHost(setup, raw['dry-run'] === true);
  print(raw, { ...describe(setup), outcome, steps: [] });
  return EXIT_CODES.ok;
}

function readHost(raw: RawArguments): HostSetup {
  const name = readInput(raw, 'host');
  if (!(HOSTS as readonly string[]).includes(name)) {
    throw new UpscaleError('USAGE', `There is no host ${name}.`, { hint: `Use one of ${HOSTS.join(', ')}.` });
  }
  const program = path.resolve(fileURLToPath(new URL('../../bin/upreel.js', import.meta.url)));
  return describeHost(name as HostName, {
    platform: process.platform,
    home: os.homedir(),
    environment: process.env,
    command: [process.execPath, program],
  });
}

function describe({ title, file }: HostSetup): { readonly host: string; readonly file: string | null } {
  return { host: title, file: file?.path ?? null };
}

function print(
  raw: RawArguments,
  told: {
    readonly host: string;
    readonly file: string | null;
    readonly outcome: string;
    readonly steps: readonly string[];
  },
): void {
  if (readMessageOptions(raw).json) {
    process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    return;
  }
  const lines = [`${told.host}: ${told.file === null ? '' : `${told.file}: `}${told.outcome}`];
  if (told.steps.length > 0)
    lines.push('By hand:', ...told.steps.map((step, i) => `  ${String(i + 1)}. ${step}`));
  process.stdout.write(`${lines.join('\n')}\n`);
}
