import { createRequire } from 'node:module';
import process from 'node:process';
import yargs, { type Argv } from 'yargs';
import { optionsOf, type CommandName } from '../config/option-table.ts';
import { UpscaleError } from '../core/errors.ts';
import { joinValues } from './arguments.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { printError } from './print-error.ts';

/** Options as yargs hands them over: text or flags, read and checked by `config`. */
export type RawArguments = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };

/** One command: gets the raw arguments, prints, and returns the exit code. */
export type Command = (raw: RawArguments) => Promise<number>;

const COMMAND_TABLE: readonly {
  readonly name: CommandName;
  readonly usage: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}[] = [
  {
    name: 'upscale',
    usage: 'upscale [input] [options]',
    summary: 'Upscale a video; the result is verified and described',
    load: async () => (await import('./command-upscale.ts')).runUpscaleCommand,
  },
  {
    name: 'plan',
    usage: 'plan [input] [options]',
    summary: 'Say what upscale would do, and why, without doing it',
    load: async () => (await import('./command-plan.ts')).runPlanCommand,
  },
  {
    name: 'probe',
    usage: 'probe <input> [options]',
    summary: 'Say what a file really is',
    load: async () => (await import('./command-probe.ts')).runProbeCommand,
  },
  {
    name: 'verify',
    usage: 'verify <source> <output> [options]',
    summary: 'Compare a finished file with its source',
    load: async () => (await import('./command-verify.ts')).runVerifyCommand,
  },
  {
    name: 'doctor',
    usage: 'doctor [options]',
    summary: 'Say what this machine has and can do for Upreel',
    load: async () => (await import('./command-doctor.ts')).runDoctorCommand,
  },
];

/** Runs the command line `argv` (without node and script) and sets the process's exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  ignoreClosedPipes();
  process.exitCode = await runCommand(argv);
}

async function runCommand(argv: readonly string[]): Promise<number> {
  const verbose = argv.includes('--verbose');
  let chosen: { raw: RawArguments; load: () => Promise<Command> } | undefined;
  try {
    const parser = buildParser((entry) => (chosen = entry));
    if (argv.length === 0) {
      process.stderr.write(`${await parser.getHelp()}\n`);
      return EXIT_CODES.usage;
    }
    await parser.parseAsync(joinValues(argv));
    if (chosen === undefined) return EXIT_CODES.ok; // help and version have been printed
    const command = await chosen.load();
    return await command(chosen.raw);
  } catch (error) {
    printError(error, { verbose });
    return exitCodeOf(UpscaleError.from(error).code);
  }
}

function buildParser(choose: (entry: { raw: RawArguments; load: () => Promise<Command> }) => void): Argv {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  let parser = yargs()
    .scriptName('upreel')
    .usage('Upscales video to 2K, 4K and 8K and keeps every frame, the sound, the timecode and the colours.')
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
    .demandCommand(1, 1, 'Give a command.', 'Give one command.')
    .strict()
    .help()
    .alias('help', 'h')
    .version(version)
    .wrap(Math.min(110, process.stdout.columns || 100))
    .epilogue('More on a command: upreel COMMAND --help')
    .fail((message: string | null, error: Error | undefined) => {
      if (error !== undefined && message === null) throw error;
      throw new UpscaleError('USAGE', asSentence(message ?? 'The command line makes no sense.'), {
        hint: 'See upreel --help.',
      });
    });
  for (const { name, usage, summary, load } of COMMAND_TABLE) {
    parser = parser.command(
      usage,
      summary,
      (command: Argv) => addOptions(command, name),
      (raw: unknown) => choose({ raw: raw as RawArguments, load }),
    );
  }
  return parser;
}

function addOptions(command: Argv, name: CommandName): Argv {
  let result = command;
  const positional = name === 'upscale' || name === 'plan';
  for (const spec of optionsOf(name)) {
    const value = spec.placeholder === undefined || spec.choices !== undefined ? '' : `${spec.placeholder}: `;
    const written = spec.default === undefined || spec.type === 'flag' || spec.type === 'arguments';
    // The first argument and --input are one and the same to yargs.
    if (positional && spec.name === 'input') result = result.positional('input', { type: 'string' });
    result = result.option(spec.name, {
      ...(spec.alias === undefined ? {} : { alias: spec.alias }),
      type: spec.type === 'flag' ? 'boolean' : 'string',
      ...(spec.type === 'flag' ? {} : { requiresArg: true }),
      ...(spec.choices === undefined ? {} : { choices: spec.choices }),
      ...(written ? {} : { defaultDescription: String(spec.default) }),
      group: `${spec.group}:`,
      describe: value + spec.help,
    });
  }
  return result;
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
