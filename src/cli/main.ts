import { createRequire } from 'node:module';
import process from 'node:process';
import yargs, { type Argv } from 'yargs';
import { optionsOf, type CommandName } from '../config/option-table.ts';
import { UpscaleError } from '../core/errors.ts';
import { joinValues } from './arguments.ts';
import { COMMAND_TABLE, type CommandEntry, type RawArguments } from './command-table.ts';
import { describeCommand, describeCommands } from './describe-help.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { printError } from './print-error.ts';

/** Runs the command line `argv` (without node and script) and sets the process's exit code. Never throws. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  ignoreClosedPipes();
  try {
    process.exitCode = await runCommand(argv);
  } catch (error) {
    printError(error, { verbose: argv.includes('--verbose') });
    process.exitCode = exitCodeOf(UpscaleError.from(error).code);
  }
}

async function runCommand(argv: readonly string[]): Promise<number> {
  const joined = joinValues(argv);
  const options = joined.includes('--') ? joined.slice(0, joined.indexOf('--')) : joined;
  if (argv.length === 0) {
    process.stderr.write(`${describeCommands()}\n`);
    return EXIT_CODES.usage;
  }
  if (options.includes('--help') || options.includes('-h')) {
    const entry = COMMAND_TABLE.find(({ name }) => name === options.find((word) => !word.startsWith('-')));
    process.stdout.write(`${entry === undefined ? describeCommands() : describeCommand(entry)}\n`);
    return EXIT_CODES.ok;
  }
  if (options.includes('--version')) {
    process.stdout.write(`${readVersion()}\n`);
    return EXIT_CODES.ok;
  }
  refuseUnknownCommand(options);
  const { entry, raw } = await parse(joined);
  const command = await entry.load();
  return command(raw);
}

function refuseUnknownCommand(words: readonly string[]): void {
  const command = words.find((word) => !word.startsWith('-'));
  const names = COMMAND_TABLE.map(({ name }) => name);
  if (command === undefined || names.some((name) => name === command)) return;
  throw new UpscaleError('USAGE', `There is no command ${command}.`, {
    hint: `The commands are ${names.join(', ')}; upreel upscale PATH is the main one.`,
  });
}

async function parse(argv: readonly string[]): Promise<{ entry: CommandEntry; raw: RawArguments }> {
  let parsed: { entry: CommandEntry; raw: RawArguments } | undefined;
  let parser = yargs()
    .scriptName('upreel')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .locale('en')
    .exitProcess(false)
    .help(false)
    .version(false)
    .demandCommand(1, 'Give a command.')
    .strict()
    .fail((message: string | null, error: Error | undefined) => {
      if (message === null && error !== undefined) throw error;
      throw new UpscaleError('USAGE', asSentence(message ?? 'The command line makes no sense.'), {
        hint: 'See upreel --help, or upreel COMMAND --help.',
      });
    });
  for (const entry of COMMAND_TABLE) {
    parser = parser.command(
      entry.usage,
      entry.summary,
      (command: Argv) => addOptions(command, entry.name),
      (raw: unknown) => {
        parsed = { entry, raw: raw as RawArguments };
      },
    );
  }
  await parser.parseAsync(argv);
  if (parsed === undefined) throw new UpscaleError('INTERNAL', 'No command was found in the command line.');
  return parsed;
}

/** Everything is text or a flag to yargs; what values may be is the table's to say. */
function addOptions(command: Argv, name: CommandName): Argv {
  return optionsOf(name).reduce(
    (result, { name: option, alias, type }) =>
      result.option(option, {
        ...(alias === undefined ? {} : { alias }),
        ...(type === 'flag' ? { type: 'boolean' } : { type: 'string', requiresArg: true }),
      }),
    command,
  );
}

function readVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string };
  return manifest.version;
}

function asSentence(text: string): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, ' ');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

/** `upreel probe x | head` closes our output early; that is no error. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
