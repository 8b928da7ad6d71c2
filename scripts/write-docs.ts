// Writes docs/options.md and docs/exit-codes.md from the tables that the program itself goes by, and the list of decisions: npx tsx scripts/write-docs.ts
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { COMMANDS, OPTION_GROUPS, OPTION_TABLE, type OptionSpec } from '../src/config/option-table.ts';
import { PRESETS } from '../src/config/presets.ts';
import { EXIT_CODES, EXIT_MEANINGS, EXIT_OF_ERROR, type ExitName } from '../src/cli/exit-codes.ts';

const TABLE: readonly OptionSpec[] = OPTION_TABLE;
const NOTE = '<!-- Written by scripts/write-docs.ts; do not edit. -->';

/** The pages, by their paths. */
export async function renderDocs(): Promise<Readonly<Record<string, string>>> {
  const pages = {
    'docs/options.md': renderOptions(),
    'docs/exit-codes.md': renderExitCodes(),
    'docs/decisions/README.md': renderDecisions(),
  };
  const formatted = Object.entries(pages).map(async ([path, text]) => [
    path,
    await format(text, { parser: 'markdown' }),
  ]);
  return Object.fromEntries(await Promise.all(formatted)) as Record<string, string>;
}

function renderDecisions(): string {
  const folder = new URL('../docs/decisions/', import.meta.url);
  const rows = readdirSync(folder).flatMap((file) => {
    const number = /^(\d{4})-.*\.md$/.exec(file)?.[1];
    if (number === undefined) return [];
    const title = /^# (?:\d{2,4}[:.] )?(.+)$/m.exec(readFileSync(new URL(file, folder), 'utf8'))?.[1] ?? file;
    return [`- [${number}](${file}) ${title}`];
  });
  const intro = 'Why things are as they are, where it is not obvious. Numbers go by room of the house.';
  return [NOTE, '', '# Decisions', '', intro, '', ...rows.sort()].join('\n');
}

function renderOptions(): string {
  const lines = [NOTE, '', '# Options', ''];
  lines.push(
    'Options that are given win over those of `--preset`, and those over the defaults. A library call takes the same options by the names of the last column.',
  );
  for (const group of OPTION_GROUPS) {
    lines.push('', `## ${group}`, '', '| option | what it does | values | default | commands | library |');
    lines.push('| --- | --- | --- | --- | --- | --- |');
    for (const spec of TABLE.filter((row) => row.group === group)) lines.push(renderRow(spec));
  }
  lines.push('', '## Presets', '', '| preset | what it is for | options |', '| --- | --- | --- |');
  for (const [name, { purpose, options }] of Object.entries(PRESETS)) {
    const written = Object.entries(options).map(([key, value]) => `\`${optionName(key)} ${String(value)}\``);
    lines.push(`| \`${name}\` | ${purpose} | ${written.join(', ')} |`);
  }
  lines.push(
    '',
    '## Environment',
    '',
    '| variable | what it does |',
    '| --- | --- |',
    '| `UPREEL_FFMPEG`, `UPREEL_FFPROBE` | the programs to use, as `--ffmpeg` and `--ffprobe` |',
    '| `UPREEL_MODELS` | a further folder of models, each in a folder of its own with a `manifest.json` |',
  );
  return lines.join('\n');
}

function renderRow({
  name,
  alias,
  placeholder,
  help,
  choices,
  range,
  default: value,
  commands,
  key,
}: OptionSpec): string {
  const option = `${alias === undefined ? '' : `\`-${alias}\` `}\`--${name}\``;
  const values =
    choices?.map((choice) => `\`${choice}\``).join(', ') ?? (placeholder ?? '').replaceAll('|', ' or ');
  const limits = range === undefined ? '' : ` (${range.join(' to ')})`;
  const fallback =
    value === undefined || value === false || Array.isArray(value) ? '' : `\`${String(value)}\``;
  const where = commands.length === COMMANDS.length ? 'all' : commands.join(', ');
  return `| ${[option, help.replaceAll('|', '\\|'), values + limits, fallback, where, key === undefined ? '' : `\`${key}\``].join(' | ')} |`;
}

function optionName(key: string): string {
  const spec = TABLE.find((row) => row.key === key);
  return `--${spec?.name ?? key}`;
}

function renderExitCodes(): string {
  const lines = [NOTE, '', '# Exit codes', ''];
  lines.push(
    'Every failure has a code of its own (`UpscaleError.code` in the library); the process ends with one of these:',
    '',
  );
  lines.push('| exit code | what it says | error codes |', '| --- | --- | --- |');
  for (const name of Object.keys(EXIT_CODES) as ExitName[]) {
    const codes = Object.entries(EXIT_OF_ERROR).filter(([, exit]) => exit === name);
    const written = codes.map(([code]) => `\`${code}\``).join(', ');
    lines.push(`| ${String(EXIT_CODES[name])} | ${EXIT_MEANINGS[name]} | ${written} |`);
  }
  return lines.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(await renderDocs())) {
    writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
  }
}
