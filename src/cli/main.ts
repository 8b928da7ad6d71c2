import process from 'node:process';
import yargs, { type Argv } from 'yargs';
import { optionsOf, type CommandName } from '../config/option-table.ts';
import { UpscaleError } from '../core/errors.ts';
import { readProductVersion } from '../core/product-version.ts';
import { joinValues } from './arguments.ts';
import {
  COMMAND_GROUPS,
  COMMAND_TABLE,
  listGroup,
  type CommandEntry,
  type CommandGroup,
} from './command-table.ts';
import { describeCommand, describeCommands, describeGroup } from './describe-help.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { printError } from './print-error.ts';
import type { RawArguments } from './raw-arguments.ts';

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
  const joined = completeGroup(joinValues(argv));
  const options = joined.includes('--') ? joined.slice(0, joined.indexOf('--')) : joined;
  if (argv.length === 0) {
    process.stderr.write(`${describeCommands()}\n`);
    return EXIT_CODES.usage;
  }
  if (options.includes('--help') || options.includes('-h')) {
    process.stdout.write(`${describeHelp(options)}\n`);
    return EXIT_CODES.ok;
  }
  if (options.includes('--version')) {
    process.stdout.write(`${readProductVersion()}\n`);
    return EXIT_CODES.ok;
  }
  refuseUnknownCommand(options);
  const group = findGroup(options);
  if (group !== undefined && listWords(options).length === 1) {
    process.stderr.write(`${describeGroup(group)}\n`);
    return EXIT_CODES.usage;
  }
  const { entry, raw } = await parse(joined);
  const command = await entry.load();
  return command(raw);
}

/** `upreel jobs` is `upreel jobs list`. */
function completeGroup(argv: readonly string[]): readonly string[] {
  const group = findGroup(argv);
  const isAsking = argv.includes('--help') || argv.includes('-h');
  if (group?.default === undefined || isAsking || listWords(argv).length > 1) return argv;
  return [...group.default.split(' '), ...argv.filter((word) => word !== group.name)];
}

/** What the help is asked for: a command, a group of commands, or all. */
function describeHelp(options: readonly string[]): string {
  const group = findGroup(options);
  const words = listWords(options).slice(0, group === undefined ? 1 : 2);
  const entry = COMMAND_TABLE.find(({ name }) => name === words.join(' '));
  if (entry !== undefined) return describeCommand(entry);
  return group === undefined ? describeCommands() : describeGroup(group);
}

function refuseUnknownCommand(options: readonly string[]): void {
  const [first, second] = listWords(options);
  const group = findGroup(options);
  const names = [
    ...COMMAND_TABLE.map(({ name }) => name).filter((name) => !name.includes(' ')),
    ...COMMAND_GROUPS.map(({ name }) => name),
  ];
  if (first !== undefined && !names.includes(first)) {
    throw new UpscaleError('USAGE', `There is no command ${first}.`, {
      hint: `The commands are ${names.join(', ')}; upreel upscale PATH is the main one.`,
    });
  }
  if (group === undefined || second === undefined) return;
  const members = listGroup(group).map(({ name }) => name.slice(group.name.length + 1));
  if (members.includes(second)) return;
  throw new UpscaleError('USAGE', `There is no command ${group.name} ${second}.`, {
    hint: `Those of ${group.name} are ${members.join(', ')}.`,
  });
}

function listWords(options: readonly string[]): string[] {
  return options.filter((word) => !word.startsWith('-'));
}

function findGroup(options: readonly string[]): CommandGroup | undefined {
  const [first] = listWords(options);
  return COMMAND_GROUPS.find(({ name }) => name === first);
}

async function parse(argv: readonly string[]): Promise<{ entry: CommandEntry; raw: RawArguments }> {
  // Where several arguments go together, options must not be given twice either.
  const takesSeveral = COMMAND_TABLE.some(
    ({ name, usage }) => usage.includes('..') && listWords(argv).slice(0, 2).join(' ') === name,
  );
  let parsed: { entry: CommandEntry; raw: RawArguments } | undefined;
  let parser = yargs()
    .scriptName('upreel')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': takesSeveral,
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
  const add = (to: Argv, entry: CommandEntry, usage: string): Argv =>
    to.command(
      usage,
      entry.summary,
      (command: Argv) => addOptions(command, entry.name),
      (raw: unknown) => {
        parsed = { entry, raw: raw as RawArguments };
      },
    );
  for (const entry of COMMAND_TABLE) if (!entry.name.includes(' ')) parser = add(parser, entry, entry.usage);
  for (const group of COMMAND_GROUPS) {
    parser = parser.command(group.name, group.summary, (command: Argv) =>
      listGroup(group).reduce(
        (result, entry) => add(result, entry, entry.usage.slice(group.name.length + 1)),
        command.demandCommand(1, 'Give a command.'),
      ),
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
