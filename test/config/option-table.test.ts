import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderDocs } from '../../scripts/write-docs.ts';
import { OPTION_TABLE, optionsOf, specOf, type OptionSpec } from '../../src/config/option-table.ts';
import { readValue } from '../../src/config/parse-value.ts';
import { PRESETS } from '../../src/config/presets.ts';
import { resolveUpscaleOptions } from '../../src/config/resolve-options.ts';

const table: readonly OptionSpec[] = OPTION_TABLE;

describe('option table', () => {
  it('names every option, letter and field once', () => {
    const names = table.map(({ name }) => name);
    const letters = table.flatMap(({ alias }) => alias ?? []);
    const keys = table.flatMap(({ key }) => key ?? []);
    for (const list of [names, letters, keys]) expect(new Set(list).size).toBe(list.length);
  });

  it('has defaults that are themselves allowed', () => {
    for (const spec of table) {
      if (spec.default !== undefined) expect(readValue(spec, spec.default)).toEqual(spec.default);
    }
  });

  it('lists the presets there are', () => {
    expect(specOf('preset').choices).toEqual(Object.keys(PRESETS));
    for (const preset of Object.keys(PRESETS)) expect(resolveUpscaleOptions({ preset }).preset).toBe(preset);
  });

  it('gives plan all that upscale takes, but for progress', () => {
    const progress = (name: string): boolean => name.endsWith('progress');
    expect(optionsOf('plan')).toEqual(optionsOf('upscale').filter(({ name }) => !progress(name)));
  });

  it('is what the documentation says', async () => {
    for (const [path, text] of Object.entries(await renderDocs())) {
      expect(
        readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'),
        `npx tsx scripts/write-docs.ts`,
      ).toBe(text);
    }
  });
});
