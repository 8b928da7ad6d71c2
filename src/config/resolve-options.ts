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
export type OptionOrigin = 'given' | 'preset' | 'default';

export interface ResolvedOptions {
  readonly options: UpscaleOptions;
  readonly origins: Readonly<Record<keyof UpscaleOptions, OptionOrigin>>;
}

/**
 * Completes a request with its preset and the defaults, and checks every value. What depends on the source (does the size make sense,
 * does the encoder exist) is left to planning. Throws `USAGE`.
 */
export function resolveUpscaleOptions(request: UpscaleRequest = {}): UpscaleOptions {
  return traceUpscaleOptions(request).options;
}

/** Like {@link resolveUpscaleOptions}, and says where each value came from. */
export function traceUpscaleOptions(request: UpscaleRequest = {}): ResolvedOptions {
  refuseUnknown(request);
  const preset = readPreset(request.preset);
  const options: Partial<Record<keyof UpscaleOptions, OptionValue | undefined>> = {};
  const origins: Partial<Record<keyof UpscaleOptions, OptionOrigin>> = {};
  for (const spec of OPTION_TABLE as readonly OptionSpec[]) {
    const { key } = spec;
    if (key === undefined) continue;
    const given = request[key];
    if (given !== undefined) {
      options[key] = key === 'tile' ? readTile(given) : readValue(spec, given);
      origins[key] = 'given';
    } else if (preset[key] !== undefined) {
      options[key] = preset[key];
      origins[key] = 'preset';
    } else {
      options[key] = spec.default;
      origins[key] = 'default';
    }
  }
  const resolved = {
    options: options as unknown as UpscaleOptions,
    origins: origins as Record<keyof UpscaleOptions, OptionOrigin>,
  };
  checkTogether(resolved.options);
  return resolved;
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

/** What no row of the table can tell alone. */
function checkTogether({ scale, to, inputFrameRate }: UpscaleOptions): void {
  if (scale !== undefined && to !== undefined) {
    throw new UpscaleError('USAGE', 'Both a scale and a target size were given.', {
      hint: 'Give either --scale or --to.',
    });
  }
  if (inputFrameRate !== undefined && (parseRational(inputFrameRate)?.num ?? 0) <= 0) {
    throw new UpscaleError('USAGE', `${inputFrameRate} is no frame rate.`, {
      hint: 'Write it as 25 or 30000/1001.',
    });
  }
}
