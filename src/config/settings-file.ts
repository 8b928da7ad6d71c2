import { readFile } from 'node:fs/promises';
import path from 'node:path';
import picomatch from 'picomatch';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { UpscaleError } from '../core/errors.ts';
import { optionsOf, type OptionSpec } from './option-table.ts';
import { readValue, type OptionValue } from './parse-value.ts';
import { traceUpscaleOptions, type SettingsLayer, type UpscaleRequest } from './resolve-options.ts';

/** The name under which settings lie beside the files that they are for. */
export const SETTINGS_NAME = 'upreel.yaml';

/** Settings of a folder's files: some for all of them, some for those that a pattern matches. */
export interface SettingsFile {
  readonly path: string;
  /** What applies to `file`, later layers over earlier ones. */
  layersFor(file: string): SettingsLayer[];
}

type Settings = Readonly<Record<string, OptionValue>>;

/** Where a file goes, and whether it may replace another, is a command's to say. */
const NOT_HERE: readonly string[] = ['output', 'overwrite'];
const OPTIONS = optionsOf('upscale').filter(({ key }) => key !== undefined && !NOT_HERE.includes(key));

const settingsShape = Object.fromEntries(OPTIONS.map((spec) => [spec.name, valueSchema(spec).optional()]));
const MAP_WANTED = 'Here a map is wanted, lines of name: value';
const settingsSchema = z.strictObject(settingsShape, { error: describeShape });
const fileSchema = z.strictObject(
  {
    ...settingsShape,
    files: z.record(z.string(), settingsSchema, { error: MAP_WANTED }).optional(),
  },
  { error: describeShape },
);

/** Reads the settings file at `file`. Throws `USAGE` with the line of whatever makes no sense. */
export async function readSettingsFile(file: string): Promise<SettingsFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UpscaleError('USAGE', `The settings ${file} cannot be read.`, {
      cause: error,
      hint: 'Check the path of --config.',
    });
  });
  return parseSettings(text, path.resolve(file));
}

/** Reads settings that were found at `file`; patterns are relative to its folder. Throws as {@link readSettingsFile}. */
export function parseSettings(text: string, file: string): SettingsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const refuse = (offset: number, message: string, hint: string): never => {
    throw new UpscaleError('USAGE', `${file}, line ${lines.linePos(offset).line}: ${message}`, { hint });
  };
  const [broken] = document.errors;
  if (broken !== undefined)
    refuse(broken.pos[0], asSentence(broken.message), 'Check the indentation and the quotes.');
  const parsed = fileSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    const at = findOffset(document, [...(issue?.path ?? []), ...keys]);
    if (keys.length > 0) {
      const names = OPTIONS.map(({ name }) => name).join(', ');
      refuse(at, `There is no setting ${String(keys[0])}.`, `The settings are ${names}, and files.`);
    }
    refuse(
      at,
      asSentence(issue?.message ?? 'It makes no sense.'),
      'See docs/batches.md for what settings look like.',
    );
  }
  const { files = {}, ...common } = parsed.data as Settings & { files?: Record<string, Settings> };
  const toLayer = (settings: Settings, at: readonly string[]): SettingsLayer => {
    const line = (name: string): number => lines.linePos(findOffset(document, [...at, name])).line;
    const layer = {
      request: toRequest(settings),
      place: (key: string) => `${path.basename(file)}, line ${line(nameOf(key))}`,
    };
    try {
      // What no value can tell alone.
      traceUpscaleOptions({}, [layer]);
    } catch (error) {
      const { message, hint } = UpscaleError.from(error);
      refuse(findOffset(document, at), message, hint ?? 'Check this part.');
    }
    return layer;
  };
  const all = toLayer(common, []);
  const rules = Object.entries(files).map(([pattern, settings]) => ({
    matches: matchPath(pattern),
    layer: toLayer(settings, ['files', pattern]),
  }));
  return {
    path: file,
    layersFor: (source) => {
      const relative = path.relative(path.dirname(file), source).replaceAll(path.sep, '/');
      return [all, ...rules.filter(({ matches }) => matches(relative)).map(({ layer }) => layer)];
    },
  };
}

/** A pattern without a slash matches names in whatever folder, letters of both cases alike, as tapes' names are written both ways. */
export function matchPath(pattern: string): (relative: string) => boolean {
  const matches = picomatch(pattern, { nocase: true, dot: true, basename: !pattern.includes('/') });
  return (relative) => matches(relative);
}

/** Unknown keys are told by their names elsewhere; what else can be wrong with a map is to be none. */
function describeShape({ code }: { readonly code: string }): string | undefined {
  return code === 'invalid_type' ? MAP_WANTED : undefined;
}

/** Any YAML value, read as the command line would read it. */
function valueSchema(spec: OptionSpec): z.ZodType<OptionValue> {
  return z
    .union([z.string(), z.number(), z.boolean(), z.array(z.string())], {
      error: `${spec.name} cannot be a map or empty`,
    })
    .transform((value, context) => {
      try {
        const plain = spec.type === 'text' && typeof value === 'number' ? String(value) : value;
        return readValue(spec, plain);
      } catch (error) {
        const { message, hint } = UpscaleError.from(error);
        context.addIssue({ code: 'custom', message: `${message.replace('--', '')} ${hint ?? ''}`.trim() });
        return z.NEVER;
      }
    });
}

function toRequest(settings: Settings): UpscaleRequest {
  const given = OPTIONS.filter(({ name }) => settings[name] !== undefined);
  return Object.fromEntries(given.map(({ name, key }) => [key, settings[name]])) as UpscaleRequest;
}

function nameOf(key: string): string {
  return OPTIONS.find((spec) => spec.key === key)?.name ?? key;
}

/** Where in the text the entry at `keys` begins; where there is none, the nearest around it. */
function findOffset(document: Document, keys: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const key of keys) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    if (pair === undefined) break;
    offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
    node = pair.value;
  }
  return offset;
}

function asSentence(text: string): string {
  const line = (text.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '').trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
