import { UpscaleError } from '../core/errors.ts';
import { parseRational } from '../core/rational.ts';
import { OPTION_TABLE, specOf, type OptionSpec } from './option-table.ts';
import { readValue, type OptionValue } from './parse-value.ts';
import { PRESETS, type PresetName } from './presets.ts';
import type { UpscaleOptions } from './upscale-options.ts';

/** Any subset of the options; sizes may be text (`4G`), as may everything that the command line writes as text. */
export type UpscaleRequest = {
  readonly [Key in keyof UpscaleOptions]?:
    | (Key extends 'memory'
        ? number | string
        : Key extends 'encoderArgs'
          ? readonly string[] | string
          : UpscaleOptions[Key])
    | undefined;
};

/** Where an option's value came from. */
export type OptionOrigin = 'given' | 'settings' | 'preset' | 'default';

/** Options that stand in a file; what is given with a command wins over them. */
export interface SettingsLayer {
  readonly request: UpscaleRequest;
  /** Where the value of `key` stands, for people: `upreel.yaml, line 7`. */
  readonly place: (key: keyof UpscaleOptions) => string;
}

export interface ResolvedOptions {
  readonly options: UpscaleOptions;
  readonly origins: Readonly<Record<keyof UpscaleOptions, OptionOrigin>>;
  /** Where the values that are not defaults came from, in words. */
  readonly places: Readonly<Partial<Record<keyof UpscaleOptions, string>>>;
}

/**
 * Completes a request with its preset and the defaults, and checks every value. What depends on the source (does the size make sense,
 * does the encoder exist) is left to planning. Throws `USAGE`.
 */
export function resolveUpscaleOptions(request: UpscaleRequest = {}): UpscaleOptions {
  return traceUpscaleOptions(request).options;
}

/**
 * Like {@link resolveUpscaleOptions}, and says where each value came from. Later `settings` win over earlier ones, the request over all of
 * them, and in each of them what is given over its preset.
 */
export function traceUpscaleOptions(
  request: UpscaleRequest = {},
  settings: readonly SettingsLayer[] = [],
): ResolvedOptions {
  const chosen = new Map<keyof UpscaleOptions, { value: OptionValue; origin: OptionOrigin; place: string }>();
  const choose = (
    key: keyof UpscaleOptions,
    value: OptionValue,
    origin: OptionOrigin,
    place: string,
  ): void => {
    // They are two ways to say one thing.
    if (key === 'scale') chosen.delete('to');
    if (key === 'to') chosen.delete('scale');
    chosen.set(key, { value, origin, place });
  };
  const given = { request, place: () => 'given' };
  for (const layer of [...settings, given]) {
    refuseUnknown(layer.request);
    checkSizes(layer.request);
    const name = layer.request.preset;
    const by = layer === given ? '' : `, ${layer.place('preset')}`;
    for (const [key, value] of Object.entries(readPreset(name))) {
      choose(
        key as keyof UpscaleOptions,
        value as OptionValue,
        'preset',
        `by the preset ${String(name)}${by}`,
      );
    }
    for (const spec of OPTION_TABLE as readonly OptionSpec[]) {
      const value = spec.key === undefined ? undefined : layer.request[spec.key];
      if (spec.key === undefined || value === undefined) continue;
      const read = spec.key === 'tile' ? readTile(value) : readValue(spec, value);
      choose(spec.key, read, layer === given ? 'given' : 'settings', layer.place(spec.key));
    }
  }
  const specs = (OPTION_TABLE as readonly OptionSpec[]).flatMap(({ key, default: value }) =>
    key === undefined ? [] : [{ key, value }],
  );
  const pick = <T>(read: (spec: (typeof specs)[number]) => T): Record<keyof UpscaleOptions, T> =>
    Object.fromEntries(specs.map((spec) => [spec.key, read(spec)])) as Record<keyof UpscaleOptions, T>;
  const options = pick(({ key, value }) => chosen.get(key)?.value ?? value) as unknown as UpscaleOptions;
  checkRate(options);
  return {
    options,
    origins: pick(({ key }) => chosen.get(key)?.origin ?? 'default'),
    places: Object.fromEntries([...chosen].map(([key, { place }]) => [key, place])),
  };
}

function refuseUnknown(request: UpscaleRequest): void {
  const known = new Set((OPTION_TABLE as readonly OptionSpec[]).map(({ key }) => key));
  for (const key of Object.keys(request)) {
    if (known.has(key as keyof UpscaleOptions)) continue;
    throw new UpscaleError('USAGE', `There is no option ${key}.`, {
      hint: `The options are ${[...known].filter((name) => name !== undefined).join(', ')}.`,
    });
  }
}

function readPreset(name: string | undefined): Partial<UpscaleOptions> {
  if (name === undefined) return {};
  readValue(specOf('preset'), name);
  return PRESETS[name as PresetName].options;
}

function readTile(value: OptionValue): number | 'auto' {
  if (value === 'auto') return value;
  const size = Number(value);
  if (Number.isInteger(size) && size >= 16 && size <= 16384) return size;
  throw new UpscaleError('USAGE', `--tile cannot be ${JSON.stringify(value)}.`, {
    hint: 'Give auto, or a whole number from 16 to 16384.',
  });
}

function checkSizes({ scale, to }: UpscaleRequest): void {
  if (scale === undefined || to === undefined) return;
  throw new UpscaleError('USAGE', 'Both a scale and a target size were given.', {
    hint: 'Give either --scale or --to.',
  });
}

function checkRate({ inputFrameRate }: UpscaleOptions): void {
  if (inputFrameRate === undefined || (parseRational(inputFrameRate)?.num ?? 0) > 0) return;
  throw new UpscaleError('USAGE', `${inputFrameRate} is no frame rate.`, {
    hint: 'Write it as 25 or 30000/1001.',
  });
}
