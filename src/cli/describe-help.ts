import { OPTION_GROUPS, optionsOf, type OptionSpec } from '../config/option-table.ts';
import { PRESETS } from '../config/presets.ts';
import {
  COMMAND_GROUPS,
  COMMAND_TABLE,
  listGroup,
  type CommandEntry,
  type CommandGroup,
} from './command-table.ts';
import { formatHeading, layOutTable } from './text-table.ts';

const WIDTH = 110;

/** `upreel --help`. */
export function describeCommands(): string {
  return [
    'Upscales video to 2K, 4K and 8K and keeps every frame, the sound, the timecode and the colours.',
    '',
    formatHeading('Commands'),
    layOutTable(
      [
        ...COMMAND_TABLE.filter(({ name }) => !name.includes(' ')).map(listCommand),
        ...COMMAND_GROUPS.map(({ name, summary }) => [`upreel ${name} <command>`, summary]),
      ],
      { width: WIDTH },
    ),
    '',
    'More on a command: upreel COMMAND --help. The version: upreel --version.',
  ].join('\n');
}

/** `upreel GROUP --help`: the commands of a group. */
export function describeGroup(group: CommandGroup): string {
  return [
    `upreel ${group.name} <command>\n\n${group.summary}.`,
    `${formatHeading('Commands')}\n${layOutTable(listGroup(group).map(listCommand), { width: WIDTH })}`,
    `More on a command: upreel ${group.name} COMMAND --help.`,
  ].join('\n\n');
}

function listCommand({ usage, summary }: CommandEntry): string[] {
  return [`upreel ${usage} [options]`, summary];
}

/** `upreel COMMAND --help`: the option table, in its groups. */
export function describeCommand({ name, usage, summary, positionals }: CommandEntry): string {
  const options = optionsOf(name);
  const blocks = [`upreel ${usage} [options]\n\n${summary}.`];
  if (positionals.length > 0) {
    blocks.push(
      layOutTable(
        positionals.map((row) => [row.name, row.help]),
        { width: WIDTH },
      ),
    );
  }
  for (const group of OPTION_GROUPS) {
    const rows = options
      .filter((spec) => spec.group === group)
      .map((spec) => [writeOption(spec), explain(spec)]);
    if (rows.length > 0) blocks.push(`${formatHeading(group)}\n${layOutTable(rows, { width: WIDTH })}`);
  }
  if (options.some((spec) => spec.name === 'preset')) {
    const rows = Object.entries(PRESETS).map(([preset, { purpose }]) => [preset, purpose]);
    blocks.push(`${formatHeading('Presets')}\n${layOutTable(rows, { width: WIDTH })}`);
  }
  return blocks.join('\n\n');
}

/** `-o, --output PATH`; what has no short name is moved under the long ones. */
function writeOption({ name, alias, placeholder }: OptionSpec): string {
  const short = alias === undefined ? '    ' : `-${alias}, `;
  return `${short}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`;
}

function explain({ help, choices, default: value, type }: OptionSpec): string {
  const notes: string[] = [];
  if (choices !== undefined && type === 'text') {
    notes.push(
      `one of ${choices.map((choice) => (choice === value ? `${choice} (default)` : choice)).join(', ')}`,
    );
  } else if (value !== undefined && type !== 'flag' && type !== 'arguments') {
    notes.push(`default ${String(value)}`);
  }
  return [help, ...notes].join('; ');
}
