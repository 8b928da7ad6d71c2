import {
  OPTION_TABLE,
  optionsOf,
  specNamed,
  type CommandName,
  type OptionSpec,
} from '../config/option-table.ts';
import { readValue, type OptionValue } from '../config/parse-value.ts';
import type { UpscaleRequest } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { RawArguments } from './raw-arguments.ts';

const TABLE = OPTION_TABLE as readonly OptionSpec[];

/**
 * Joins each option that takes a value with that value (`--output=-x.mp4`), so that values may begin with a dash: names of files, and
 * arguments meant for the encoder. What is itself an option is left to be missed.
 */
export function joinValues(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--') return [...joinLists(joined), ...argv.slice(i)];
    const spec = findSpec(argument);
    const value = argv[i + 1];
    if (spec === undefined || spec.type === 'flag' || value === undefined || isOption(value)) {
      joined.push(argument);
    } else {
      joined.push(`--${spec.name}=${value}`);
      i++;
    }
  }
  return joinLists(joined);
}

/** Lists that are given in several options become one. */
function joinLists(argv: readonly string[]): string[] {
  const firsts = new Map<string, number>();
  const joined: string[] = [];
  for (const argument of argv) {
    const [option = '', ...value] = argument.split('=');
    const first = firsts.get(option);
    if (first !== undefined) joined[first] = `${joined[first] ?? ''},${value.join('=')}`;
    else if (value.length > 0 && findSpec(option)?.type === 'list')
      firsts.set(option, joined.push(argument) - 1);
    else joined.push(argument);
  }
  return joined;
}

function findSpec(argument: string): OptionSpec | undefined {
  return TABLE.find(({ name, alias }) => argument === `--${name}` || argument === `-${alias ?? '-'}`);
}

function isOption(argument: string): boolean {
  return findSpec(argument.split('=', 1)[0] ?? '') !== undefined || argument === '--help';
}

/** The request for the pipeline in the arguments of `command`. */
export function readRequest(raw: RawArguments, command: CommandName): UpscaleRequest {
  if (raw['overwrite'] === true && raw['no-overwrite'] === true) {
    throw new UpscaleError('USAGE', 'Both -y and -n were given.', { hint: 'Give one of them.' });
  }
  const request: Record<string, unknown> = {};
  for (const { name, key } of optionsOf(command)) {
    if (key !== undefined && raw[name] !== undefined) request[key] = raw[name];
  }
  if (raw['no-provenance'] === true && raw['provenance'] !== undefined) {
    throw new UpscaleError('USAGE', 'Both --provenance and --no-provenance were given.', {
      hint: 'Give one of them.',
    });
  }
  if (raw['no-provenance'] === true) request['provenance'] = 'none';
  return request;
}

/** What only the command line knows: where messages go and in what form. */
export interface MessageOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly progress: 'auto' | 'bar' | 'plain' | 'json' | 'none';
  readonly logLevel: 'error' | 'warning' | 'info' | 'debug';
}

export function readMessageOptions(raw: RawArguments): MessageOptions {
  const verbose = raw['verbose'] === true;
  return {
    json: raw['json'] === true,
    verbose,
    progress:
      raw['no-progress'] === true ? 'none' : (readOption(raw, 'progress') as MessageOptions['progress']),
    logLevel: verbose ? 'debug' : (readOption(raw, 'log-level') as MessageOptions['logLevel']),
  };
}

/** The checked value of an option that no request has, or its default; undefined where it has none. Throws `USAGE`. */
export function readOption(raw: RawArguments, name: string): OptionValue | undefined {
  const spec = specNamed(name);
  const value = (raw[name] ?? spec.default) as OptionValue | undefined;
  return value === undefined ? undefined : readValue(spec, value);
}

/** The one input of `upscale` and `plan`: the first argument or `-i`. Throws `USAGE` when there is none. */
export function readInput(raw: RawArguments, name = 'input'): string {
  const input = raw[name];
  if (typeof input === 'string' && input !== '') return input;
  // What yargs makes of a lone dash where it stands for an argument.
  if (input === true) return '-';
  throw new UpscaleError('USAGE', 'No input was given.', {
    hint: 'Name the video: upreel upscale PATH.',
  });
}
