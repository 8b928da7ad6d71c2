import { OPTION_TABLE, type OptionSpec } from '../config/option-table.ts';
import { PRESETS, type PresetName } from '../config/presets.ts';
import type { ResolvedOptions } from '../config/resolve-options.ts';

/**
 * The command that makes `output` of `source` by these options alone, whatever settings files say later: all that is not a default is
 * written out. `program` is what stands before them.
 */
export function writeCommand(
  source: string,
  output: string,
  { options, origins }: ResolvedOptions,
  program: readonly string[] = ['upreel', 'upscale'],
): string {
  const preset = options.preset === undefined ? {} : PRESETS[options.preset as PresetName].options;
  const words = [...program, source, '-o', output];
  for (const { key, name, type } of OPTION_TABLE as readonly OptionSpec[]) {
    if (key === undefined || key === 'output' || key === 'overwrite' || origins[key] === 'default') continue;
    const value = options[key];
    if (origins[key] === 'preset' && (preset as Record<string, unknown>)[key] === value) continue;
    if (type === 'flag') {
      if (value === true) words.push(`--${name}`);
    } else {
      words.push(`--${name}`, Array.isArray(value) ? value.map(quote).join(' ') : String(value));
    }
  }
  return words.map(quote).join(' ');
}

/** A word as a POSIX shell reads it back. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
